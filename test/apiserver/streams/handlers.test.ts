import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import t from 'tap'
import { WebSocket } from 'ws'
import type { Pod } from '../../../src/api/types.js'
import type { PodStreams } from '../../../src/apiserver/streams/backend.js'
import { createStreamHandlers } from '../../../src/apiserver/streams/handlers.js'
import { silentLogger } from '../../../src/base/logger.js'
import { StatusError, statusErrors } from '../../../src/base/status.js'
import { kubectlPath, run } from '../../fixtures/kubectl.js'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1' },
  spec: { containers: [{ name: 'c', image: 'i' }] },
  status: { phase: 'Running' }
}

/** Runs the commands on this machine instead of in a container. */
const streams: PodStreams = {
  exec: async (_pod, options) => {
    if (options.container === 'missing')
      throw statusErrors.badRequest('container missing is not valid for pod p')
    const child = spawn(options.command[0] ?? '', options.command.slice(1))
    const sizes = new PassThrough()
    return {
      stdin: child.stdin,
      // Node throws a process's output away when it ends before anyone reads.
      stdout: child.stdout.pipe(new PassThrough()),
      stderr: child.stderr.pipe(new PassThrough()),
      resize: async (size) => {
        sizes.write(`${size.width}x${size.height}\n`)
      },
      exitCode: new Promise((resolve, reject) => {
        child.on('error', reject)
        child.on('close', (code) => {
          resolve(code ?? 137)
        })
      }),
      close: () => {
        child.kill('SIGKILL')
      }
    }
  },
  attach: (p, options) => streams.exec(p, { ...options, command: ['cat'] }),
  logs: async () => ({
    output: Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]),
    close: () => {}
  }),
  portForward: async (_pod, port) => {
    if (port === 9) throw new Error('connection refused')
    return connect(port, '127.0.0.1')
  }
}

/** As much of an API server as kubectl asks for on its way to a stream. */
const answers: Record<string, object> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'], shortNames: ['po'] }
    ]
  },
  '/api/v1/namespaces/default/pods/p': pod
}

async function startServer(parent: Tap): Promise<{ url: string; port: number }> {
  const handlers = createStreamHandlers({ streams, logger: silentLogger })
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname
    const answer = answers[path]
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? {}))
  })
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '', 'http://x')
    const subresource = url.pathname.split('/').at(-1) as 'exec' | 'attach' | 'portforward' | 'log'
    handlers.upgrade({ subresource, pod, query: url.searchParams, request, socket, head })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  parent.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port }
}

type Tap = { teardown: (fn: () => unknown) => unknown }

t.test('kubectl of each generation', async (t) => {
  const { url } = await startServer(t)
  const home = mkdtempSync(join(tmpdir(), 'mk-streams-'))
  const env = { ...process.env, HOME: home, KUBECONFIG: '/dev/null' }
  for (const version of ['1.27', '1.29', '1.30', '1.31', '1.33']) {
    await t.test(version, async (t) => {
      const kubectl = (args: string[], input?: Buffer) =>
        run(kubectlPath(version), ['--server', url, ...args], { env, ...(input ? { input } : {}) })

      const failing = await kubectl(['exec', 'p', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])
      t.equal(failing.code, 7, 'the exit code comes through')
      t.equal(failing.text, 'out\n')
      t.match(failing.stderr, /^err\n/)

      const data = randomBytes(3_000_000)
      const copy = await kubectl(['exec', '-i', 'p', '--', 'cat'], data)
      t.equal(copy.code, 0)
      t.ok(copy.stdout.equals(data), '3 MB go in and come out unchanged')

      const refused = await kubectl(['exec', 'p', '-c', 'missing', '--', 'true'])
      t.equal(refused.code, 1)
      t.match(
        refused.stderr,
        'container missing is not valid for pod p',
        'an error before the upgrade is shown'
      )

      const absent = await kubectl(['exec', 'p', '--', '/no/such/program'])
      t.not(absent.code, 0)
      t.match(absent.stderr, 'ENOENT', 'an error after the upgrade is shown')
    })
  }
})

t.test('kubectl port-forward', async (t) => {
  const { url } = await startServer(t)
  const echo = createTcpServer((socket) => {
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  t.teardown(() => echo.close())
  const target = (echo.address() as AddressInfo).port
  for (const version of ['1.27', '1.30', '1.31', '1.33']) {
    await t.test(version, async (t) => {
      const child = spawn(kubectlPath(version), ['--server', url, 'port-forward', 'p', `:${target}`, ':9'], {
        env: { ...process.env, KUBECONFIG: '/dev/null' }
      })
      t.teardown(() => child.kill())
      let output = ''
      child.stderr.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
      const locals = await new Promise<number[]>((resolve) => {
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          const ports = [...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map((m) => Number(m[1]))
          if (ports.length === 2) resolve(ports)
        })
      })
      const roundTrip = (data: Buffer) =>
        new Promise<Buffer>((resolve, reject) => {
          const socket = connect(locals[0] ?? 0, '127.0.0.1')
          const parts: Buffer[] = []
          let length = 0
          socket.on('data', (chunk: Buffer) => {
            parts.push(chunk)
            length += chunk.length
            if (length === data.length) {
              socket.destroy()
              resolve(Buffer.concat(parts))
            }
          })
          socket.on('error', reject)
          socket.write(data)
        })
      const payloads = Array.from({ length: 8 }, () => randomBytes(1_000_000))
      const answers = await Promise.all(payloads.map(roundTrip))
      t.ok(
        answers.every((answer, i) => answer.equals(payloads[i] ?? Buffer.alloc(0))),
        '8 connections at once'
      )

      const dead = connect(locals[1] ?? 0, '127.0.0.1')
      dead.on('error', () => {})
      dead.resume()
      await new Promise<void>((resolve) =>
        dead.once('close', () => {
          resolve()
        })
      )
      while (!output.includes('connection refused'))
        await new Promise((resolve) => child.stderr.once('data', resolve))
      t.match(output, 'error forwarding port 9', 'a refused connection is reported')
    })
  }
})

t.test('WebSocket clients', async (t) => {
  const { port } = await startServer(t)
  const base = `ws://127.0.0.1:${port}/api/v1/namespaces/default/pods/p`
  const collect = (path: string, protocols: string[], onOpen?: (ws: WebSocket) => void) =>
    new Promise<{ frames: Buffer[]; protocol: string }>((resolve, reject) => {
      const ws = new WebSocket(base + path, protocols)
      const frames: Buffer[] = []
      ws.on('open', () => {
        onOpen?.(ws)
      })
      ws.on('message', (data: Buffer) => frames.push(data))
      ws.on('close', () => {
        resolve({ frames, protocol: ws.protocol })
      })
      ws.on('error', reject)
    })

  await t.test('v5 tells the end of stdin and gets a Status', async (t) => {
    const { frames, protocol } = await collect(
      '/exec?command=cat&stdin=true&stdout=true',
      ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
      (ws) => {
        ws.send(Buffer.from([0, ...Buffer.from('hi')]))
        ws.send(Buffer.from([255, 0]))
      }
    )
    t.equal(protocol, 'v5.channel.k8s.io')
    t.same(
      frames
        .filter((f) => f[0] === 1)
        .map((f) => f.subarray(1).toString())
        .join(''),
      'hi'
    )
    t.match(
      JSON.parse(
        frames
          .find((f) => f[0] === 3)
          ?.subarray(1)
          .toString() ?? ''
      ),
      { status: 'Success' }
    )
  })

  await t.test('the oldest protocol gets no frame but output on success', async (t) => {
    const { frames } = await collect('/exec?command=echo&command=x&stdout=true&stderr=true', [
      'channel.k8s.io'
    ])
    t.same(
      frames.map((f) => [f[0], f.subarray(1).toString()]),
      [[1, 'x\n']]
    )
  })

  await t.test('base64', async (t) => {
    const { frames } = await collect('/exec?command=echo&command=x&stdout=true', ['base64.channel.k8s.io'])
    t.same(frames.map(String), [`1${Buffer.from('x\n').toString('base64')}`])
  })

  await t.test('logs', async (t) => {
    const { frames } = await collect('/log', ['binary.k8s.io'])
    t.equal(Buffer.concat(frames).toString(), 'one\ntwo\n')
  })

  await t.test('port-forward by channels', async (t) => {
    const echo = createTcpServer((socket) => {
      socket.pipe(socket)
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    t.teardown(() => echo.close())
    const target = (echo.address() as AddressInfo).port
    const received: Buffer[] = []
    await new Promise<void>((resolve) => {
      const ws = new WebSocket(`${base}/portforward?ports=${target}`, ['v4.channel.k8s.io'])
      ws.on('open', () => {
        ws.send(Buffer.from([0, ...Buffer.from('ping')]))
      })
      ws.on('message', (data: Buffer) => {
        received.push(data)
        if (data[0] === 0 && data.length > 3) ws.close()
      })
      ws.on('close', () => {
        resolve()
      })
    })
    const number = Buffer.alloc(2)
    number.writeUInt16LE(target)
    t.same(received[0], Buffer.from([0, ...number]), 'the data channel begins with the port')
    t.same(received[1], Buffer.from([1, ...number]), 'so does the error channel')
    t.equal(received[2]?.subarray(1).toString(), 'ping')
  })

  await t.test('nothing in common is an ordinary error', async (t) => {
    await t.rejects(collect('/exec?command=x&stdout=true', ['v9.channel.k8s.io']), /400/)
    await t.rejects(collect('/exec?stdout=true', ['v4.channel.k8s.io']), /400/)
  })
})

t.test('log options', async (t) => {
  const handlers = createStreamHandlers({ streams, logger: silentLogger })
  const reasonOf = async (query: string) =>
    handlers.log(pod, new URLSearchParams(query)).then(
      () => 'none',
      (error: unknown) => (error instanceof StatusError ? error.message : String(error))
    )
  t.equal(
    await reasonOf('tailLines=-1'),
    'PodLogOptions "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'
  )
  t.equal(
    await reasonOf('limitBytes=0'),
    'PodLogOptions "" is invalid: limitBytes: Invalid value: 0: must be greater than 0'
  )
  t.match(await reasonOf('sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z'), 'at most one of')
  t.match(await reasonOf('tailLines=x'), 'not an integer')
  t.equal(await reasonOf('follow=true&tailLines=0'), 'none')
})
