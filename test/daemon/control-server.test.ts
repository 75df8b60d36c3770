import { request } from 'node:http'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { DaemonStatus, ProgressEvent, UpOptions } from '../../src/base/control.js'
import { MkError } from '../../src/base/errors.js'
import { startControlServer } from '../../src/daemon/control-server.js'
import type { ControlTarget } from '../../src/daemon/control-server.js'

function fakeTarget(): ControlTarget & { calls: string[]; emit: (event: ProgressEvent) => void } {
  const calls: string[] = []
  let listener: ((event: ProgressEvent) => void) | undefined
  const status: DaemonStatus = { pid: 1, version: '0', startedAt: 't', clusters: [] }
  return {
    calls,
    emit: (event) => listener?.(event),
    status: () => status,
    up: async (name: string, options: UpOptions) => {
      calls.push(`up ${name} ${JSON.stringify(options)}`)
      if (options.nodes === 0) throw new MkError('MK_INPUT', 'nodes: 0', { hint: 'see help' })
    },
    down: async (name) => {
      calls.push(`down ${name}`)
      if (name === 'none') throw new MkError('MK_CLUSTER_UNKNOWN', 'there is no cluster "none"')
    },
    delete: async (name) => {
      calls.push(`delete ${name}`)
    },
    stop: () => {
      calls.push('stop')
    },
    onProgress: (l) => {
      listener = l
      calls.push('subscribed')
      return () => calls.push('unsubscribed')
    }
  }
}

function call(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const r = request({ socketPath, method, path, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
      })
    })
    r.on('error', reject)
    r.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

t.test('the control protocol', async (t) => {
  const socketPath = join(t.testdir(), 'daemon.sock')
  const target = fakeTarget()
  const server = await startControlServer({ socketPath, target })
  t.teardown(() => server.close())

  t.equal(statSync(socketPath).mode & 0o777, 0o600, 'only this user may connect')
  t.match(await call(socketPath, 'GET', '/status'), { status: 200, body: { pid: 1 } })
  await call(socketPath, 'POST', '/clusters/mk/up', { nodes: 2 })
  await call(socketPath, 'POST', '/clusters/mk/up')
  await call(socketPath, 'POST', '/clusters/mk/down')
  await call(socketPath, 'POST', '/clusters/mk/delete')
  t.same(target.calls, ['up mk {"nodes":2}', 'up mk {}', 'down mk', 'delete mk'])

  t.match(await call(socketPath, 'POST', '/clusters/mk/up', { nodes: 0 }), {
    status: 400,
    body: { error: { code: 'MK_INPUT', message: 'nodes: 0', hint: 'see help' } }
  })
  t.match(await call(socketPath, 'POST', '/clusters/none/down'), {
    status: 404,
    body: { error: { code: 'MK_CLUSTER_UNKNOWN' } }
  })

  const line = await new Promise<string>((resolve, reject) => {
    const r = request({ socketPath, path: '/events' }, (response) => {
      response.once('data', (chunk: Buffer) => {
        resolve(chunk.toString())
        r.destroy()
      })
      target.emit({ cluster: 'mk', step: 'Reaching the Docker Engine', state: 'done' })
    })
    r.on('error', reject)
    r.end()
  })
  t.same(JSON.parse(line), { cluster: 'mk', step: 'Reaching the Docker Engine', state: 'done' })

  await call(socketPath, 'POST', '/stop')
  while (!target.calls.includes('stop'))
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
})
