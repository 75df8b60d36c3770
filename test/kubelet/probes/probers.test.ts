import { createServer as createHttp } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:net'
import { createServer as createTcp } from 'node:net'
import t from 'tap'
import type { Probe } from '../../../src/api/types.js'
import { runProbe } from '../../../src/kubelet/probes/prober.js'
import { container } from '../fixture.js'

async function listen(
  t: { teardown: (fn: () => unknown) => unknown },
  server: Pick<Server, 'listen' | 'address' | 'close' | 'once'>
): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve()
    })
  })
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}
const noExec = { execSync: () => Promise.reject(new Error('not expected')) }
const probe = (
  spec: Probe,
  runtime: Parameters<typeof runProbe>[2] = noExec,
  ports = [{ name: 'web', containerPort: 1 }]
) =>
  runProbe(spec, { container: container('app', { ports }), containerId: 'id', podIp: '127.0.0.1' }, runtime)

t.test('httpGet', async (t) => {
  const seen: Record<string, unknown>[] = []
  const listener: RequestListener = (request, response) => {
    seen.push({ ...request.headers })
    if (request.url === '/slow') return
    if (request.url === '/hop') response.writeHead(302, { location: '/ok' })
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' })
    else if (request.url === '/away') response.writeHead(302, { location: 'http://example.com/' })
    else if (request.url === '/bad') response.writeHead(500)
    response.end('body')
  }
  const server = createHttp(listener)
  const port = await listen(t, server)
  t.teardown(() => {
    server.closeAllConnections()
  })
  const get = (path: string, more: object = {}) =>
    probe({ httpGet: { port, path, ...more }, timeoutSeconds: 1 })
  t.same(await get('/ok'), { result: 'success', output: 'body' })
  t.match(seen[0], { 'user-agent': /^kube-probe/, accept: '*/*', connection: 'close' })
  t.same(await get('/bad'), { result: 'failure', output: 'HTTP probe failed with statuscode: 500' })
  t.equal((await get('/hop')).result, 'success')
  t.match(await get('/loop'), { result: 'failure', output: /stopped after 10 redirects/ })
  t.equal((await get('/away')).result, 'success', 'a redirect to elsewhere is not followed')
  await get('/ok', {
    httpHeaders: [
      { name: 'Host', value: 'my.example' },
      { name: 'X-A', value: '1' }
    ]
  })
  t.match(seen.at(-1), { host: 'my.example', 'x-a': '1' })
  t.match(await get('/slow'), { result: 'failure', output: /context deadline exceeded/ })
  t.equal(
    (await probe({ httpGet: { port: 'web', path: '/' } }, noExec, [{ name: 'web', containerPort: port }]))
      .result,
    'success'
  )
  t.match(await probe({ httpGet: { port: 'nope' } }), {
    result: 'unknown',
    output: /couldn't find port: nope/
  })
})

t.test('tcpSocket', async (t) => {
  const server = createTcp((socket) => socket.end())
  const port = await listen(t, server)
  t.equal((await probe({ tcpSocket: { port } })).result, 'success')
  const closed = createTcp()
  const freed = await listen(t, closed)
  await new Promise((resolve) => closed.close(resolve))
  t.match(await probe({ tcpSocket: { port: freed } }), { result: 'failure', output: /connection refused/ })
  t.match(await probe({ httpGet: { port: freed } }), {
    result: 'failure',
    output: /connect: connection refused/
  })
  t.match(await probe({ grpc: { port: freed } }), { result: 'failure' })
})

t.test('grpc', async (t) => {
  const bodies: Buffer[] = []
  let status = 1
  let code = '0'
  const server = createHttp2()
  server.on('stream', (stream) => {
    stream.on('data', (chunk: Buffer) => bodies.push(chunk))
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': code })
      })
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]))
    })
  })
  const port = await listen(t, server)
  t.equal((await probe({ grpc: { port, service: 'db' } })).result, 'success')
  t.same(
    Buffer.concat(bodies),
    Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x64, 0x62]),
    'the service in the request'
  )
  status = 2
  t.match(await probe({ grpc: { port } }), { result: 'failure', output: /NOT_SERVING/ })
  code = '12'
  t.match(await probe({ grpc: { port } }), {
    result: 'failure',
    output: /does not implement the grpc health protocol/
  })
})

t.test('exec', async (t) => {
  const run = (answer: { exitCode: number; output: string; timedOut: boolean }) =>
    probe({ exec: { command: ['check'] }, timeoutSeconds: 2 }, { execSync: async () => answer })
  t.same(await run({ exitCode: 0, output: 'fine', timedOut: false }), { result: 'success', output: 'fine' })
  t.same(await run({ exitCode: 3, output: 'broken', timedOut: false }), {
    result: 'failure',
    output: 'broken'
  })
  t.match(await run({ exitCode: 0, output: '', timedOut: true }), {
    result: 'failure',
    output: /timed out after 2s/
  })
  t.match(await probe({ exec: { command: ['x'] } }), { result: 'unknown', output: 'not expected' })
})
