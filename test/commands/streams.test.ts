import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type WebSocket, WebSocketServer } from 'ws'
import { type FakeApi, type FakeRoutes, failure, startFakeApi, watching } from '../cli/support.js'

const pods = '/api/v1/namespaces/default/pods'
const pod = (
  name: string,
  more: { phase?: string; ready?: boolean; ports?: unknown[]; id?: string } = {}
) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', ports: more.ports ?? [] }, { name: 'side' }] },
  status: {
    phase: more.phase ?? 'Running',
    conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    containerStatuses: [{ name: 'main', containerID: more.id ?? `id-${name}`, state: { running: {} } }]
  }
})
const podList = (...items: unknown[]) => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '5' },
  items
})

/** Accepts upgrades and hands the sockets to the test. */
function acceptWebSockets(api: FakeApi, onSocket: (socket: WebSocket, url: URL) => void): void {
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false
  })
  api.onUpgrade = (request: IncomingMessage, socket, head) => {
    server.handleUpgrade(request, socket, head, (ws) => {
      onSocket(ws, new URL(request.url ?? '/', 'https://x'))
    })
  }
}

const frame = (channel: number, data: string) => Buffer.concat([Buffer.from([channel]), Buffer.from(data)])

t.test('exec: output, input and exit code', async (t) => {
  const api = await startFakeApi(t, { [`${pods}/web`]: () => ({ body: pod('web') }) })
  let url: URL | undefined
  acceptWebSockets(api, (socket, at) => {
    url = at
    let input = ''
    socket.on('message', (data: Buffer) => {
      if (data[0] === 0) input += data.subarray(1).toString()
      if (data[0] !== 255) return
      socket.send(frame(1, `got ${input}`))
      socket.send(frame(2, 'oops'))
      const details = { causes: [{ reason: 'ExitCode', message: '3' }] }
      socket.send(frame(3, JSON.stringify(failure(500, 'NonZeroExitCode', 'exit code 3', details))))
      socket.close()
    })
  })
  const result = await api.run(['exec', '-i', 'web', '--', 'sh', '-c', 'cat'], { input: 'hello' })
  t.same(result, { code: 3, stdout: 'got hello', stderr: 'oops' })
  t.equal(url?.pathname, `${pods}/web/exec`)
  t.same(url?.searchParams.getAll('command'), ['sh', '-c', 'cat'])
  t.equal(url?.searchParams.get('container'), 'main')
})

t.test('exec: success, refusals and a broken connection', async (t) => {
  const api = await startFakeApi(t, { [`${pods}/web`]: () => ({ body: pod('web') }) })
  acceptWebSockets(api, (socket) => {
    socket.send(frame(3, JSON.stringify({ kind: 'Status', status: 'Success' })))
    socket.close()
  })
  t.equal((await api.run(['exec', 'web', '--', 'true'])).code, 0)
  acceptWebSockets(api, (socket) => {
    socket.terminate()
  })
  const broken = await api.run(['exec', 'web', '--', 'true'])
  t.equal(broken.code, 1)
  t.match(broken.stderr, 'the connection ended before the program did')
  api.onUpgrade = (_request, socket) => {
    const body = JSON.stringify(failure(400, 'BadRequest', 'container side is not running'))
    socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  }
  const refused = await api.run(['exec', 'web', '-c', 'side', '--', 'true'])
  t.equal(refused.stderr, 'Error from server (BadRequest): container side is not running\n')
  t.match(
    (await api.run(['exec', 'web', '-c', 'other', '--', 'ls'])).stderr,
    'its containers are: main, side'
  )
  t.match((await api.run(['exec', 'web'])).stderr, 'write it after --')
  t.match((await api.run(['exec', 'web', 'ls'])).stderr, 'write it after --')
})

const serviceRoutes = (alive: () => unknown[]): FakeRoutes => ({
  '/api/v1/namespaces/default/services/web': () => ({
    body: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        selector: { app: 'web' },
        ports: [
          { name: 'http', port: 80, targetPort: 'app' },
          { port: 53, protocol: 'UDP' }
        ]
      }
    }
  }),
  [pods]: () => ({ body: podList(...alive()) })
})

async function ask(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write('ping')
  return text(socket)
}

t.test('port-forward: each connection finds a pod that is alive', async (t) => {
  let alive = [pod('one', { ports: [{ name: 'app', containerPort: 8080 }] })]
  const api = await startFakeApi(
    t,
    serviceRoutes(() => alive)
  )
  acceptWebSockets(api, (socket, url) => {
    for (const channel of [0, 1]) socket.send(Buffer.from([channel, 0x90, 0x1f]))
    socket.on('message', (data: Buffer) => {
      const name = url.pathname.split('/').at(-2) ?? ''
      socket.send(
        frame(0, `${name}:${url.searchParams.get('ports') ?? ''} says ${data.subarray(1).toString()}`)
      )
      socket.close()
    })
  })
  const interrupted = new AbortController()
  let listening: (port: number) => void = () => {}
  const listens = new Promise<number>((resolve) => (listening = resolve))
  const ended = api.run(['port-forward', 'svc/web', ':http'], {
    signal: interrupted.signal,
    onStdout: (line) => {
      const found = /Forwarding from 127\.0\.0\.1:(\d+) -> http/.exec(line)
      if (found) listening(Number(found[1]))
    }
  })
  const port = await listens
  t.equal(await ask(port), 'one:8080 says ping')
  alive = [
    pod('one', { phase: 'Failed', ready: false }),
    pod('two', { ports: [{ name: 'app', containerPort: 9090 }] })
  ]
  t.equal(await ask(port), 'two:9090 says ping', 'the next connection goes to the new pod')
  alive = []
  t.equal(await ask(port), '', 'without a pod the connection is closed')
  alive = [pod('three', { ports: [{ name: 'app', containerPort: 8080 }] })]
  t.equal(await ask(port), 'three:8080 says ping', 'and works again when there is one')
  interrupted.abort()
  t.equal((await ended).code, 0)
})

t.test('port-forward: what can not be', async (t) => {
  const api = await startFakeApi(
    t,
    serviceRoutes(() => [pod('one')])
  )
  const says = async (...words: string[]) => (await api.run(['port-forward', ...words])).stderr
  t.match(await says('svc/web', '8080:81'), 'Service web does not have a service port 81')
  t.match(await says('svc/web', '8080:53'), 'UDP protocol is not supported')
  t.match(await says('svc/web', '8080:http'), "Pod 'one' does not have a named port 'app'")
  t.match(await says('svc/web', '80:80:80'), 'invalid port "80:80:80"')
  t.match(await says('svc/web', '70000:80'), 'invalid port')
  t.match(await says('svc/web'), 'a list of ports')
  const { createServer } = await import('node:net')
  const holder = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  t.teardown(() => holder.close())
  const busy = (holder.address() as { port: number }).port
  const inUse = await startFakeApi(t, { [`${pods}/one`]: () => ({ body: pod('one') }) })
  t.match((await inUse.run(['port-forward', 'one', `${busy}:80`])).stderr, `unable to listen on port ${busy}`)
})

const logging = (lines: string) => (response: { end: (text: string) => void }) => {
  response.end(lines)
}

t.test('logs of a pod and of all pods of a deployment', async (t) => {
  const api = await startFakeApi(t, {
    [`${pods}/one`]: () => ({ body: pod('one') }),
    [`${pods}/one/log`]: ({ query }) => logging(`1 of ${query.get('container') ?? ''}\n2\n`),
    [`${pods}/two/log`]: () => logging('other\n'),
    '/apis/apps/v1/namespaces/default/deployments/web': () => ({
      body: {
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { selector: { matchLabels: { app: 'web' } } }
      }
    }),
    [pods]: () => ({ body: podList(pod('one'), pod('two')) })
  })
  const logs = async (...words: string[]) => (await api.run(['logs', ...words])).stdout
  t.equal(await logs('one'), '1 of main\n2\n')
  t.equal(await logs('one', '-c', 'side'), '1 of side\n2\n')
  t.equal(await logs('one', 'side', '--prefix'), '[pod/one/side] 1 of side\n[pod/one/side] 2\n')
  t.equal(await logs('deploy/web'), '[pod/one/main] 1 of main\n[pod/one/main] 2\n[pod/two/main] other\n')
  t.match(await logs('one', '--all-containers'), /main\] 1 of main[\s\S]*side\] 1 of side/)
  await logs('one', '-p', '--tail=5', '--since=2m', '--timestamps')
  const { query } = api.requests.at(-1) ?? { query: new URLSearchParams() }
  t.match(Object.fromEntries(query), {
    previous: 'true',
    tailLines: '5',
    sinceSeconds: '120',
    timestamps: 'true'
  })
  await logs('-l', 'app=web')
  t.equal(api.requests.at(-1)?.query.get('tailLines'), '10', 'a selector gives the last lines only')
  t.match((await api.run(['logs'])).stderr, 'name a pod')
  t.match((await api.run(['logs', 'one', '--since=soon'])).stderr, 'invalid --since "soon"')
})

t.test('logs -f goes on with pods that come and containers that restart', async (t) => {
  const interrupted = new AbortController()
  const api = await startFakeApi(t, {
    [`${pods}/one/log`]: ({ query }) => logging(query.get('tailLines') ? 'one\n' : 'one again\n'),
    [`${pods}/two/log`]: () => logging('two\n'),
    [pods]: ({ query }) =>
      query.get('watch')
        ? watching([
            { type: 'MODIFIED', object: pod('one') },
            { type: 'ADDED', object: pod('two') },
            { type: 'MODIFIED', object: pod('one', { id: 'restarted' }) }
          ])
        : { body: podList(pod('one')) }
  })
  let seen = ''
  const result = await api.run(['logs', '-f', '-l', 'app=web'], {
    signal: interrupted.signal,
    onStdout: (text) => {
      seen += text
      if (seen.trim().split('\n').length === 3) interrupted.abort()
    }
  })
  t.same(result.stdout.trim().split('\n').sort(), [
    '[pod/one/main] one',
    '[pod/one/main] one again',
    '[pod/two/main] two'
  ])
})
