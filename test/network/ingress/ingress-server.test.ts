import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import t from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { silentLogger } from '../../../src/base/logger.js'
import type { IngressModel } from '../../../src/network/ingress/ingress-model.js'
import { IngressServer } from '../../../src/network/ingress/ingress-server.js'
import type { Endpoint } from '../../../src/network/nft/service-table.js'
import { simpleModel } from '../models.js'
import { certificateFor } from './certificate.js'

const local = '127.0.0.1'
const notices: string[] = []
const problems: unknown[] = []
const base = { addresses: [local], logger: silentLogger, responseTimeoutMs: 300, connectTimeoutMs: 300 }
const ingress = new IngressServer({
  ...base,
  httpPorts: [0],
  httpsPorts: [0],
  onNotice: (m) => notices.push(m),
  onCertificateProblem: (p) => problems.push(p)
})
await ingress.start()
t.teardown(() => ingress.stop())

const rule = (host: string, service: string, path = '/'): IngressModel['rules'][number] => ({
  host,
  paths: [{ path, type: 'Prefix', backend: { service: `default/${service}`, port: 80 } }]
})
const model = (more: Partial<IngressModel>): IngressModel => ({
  key: 'default/main',
  createdAt: '',
  rules: [],
  defaultBackend: undefined,
  tls: [],
  sslRedirect: false,
  ...more
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void
async function backend(handler: Handler): Promise<Endpoint & { server: Server; open: Set<Socket> }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handler)
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.listen(0, local)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { ip: local, port: (server.address() as AddressInfo).port, server, open }
}
const serve = (name: string, ...endpoints: Endpoint[]) => {
  ingress.setService(
    simpleModel(
      name,
      endpoints.map(({ ip, port }) => ({ ip, port }))
    )
  )
}
/** A port where nothing listens. */
async function deadEndpoint(): Promise<Endpoint> {
  const server = createTcpServer().listen(0, local)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { ip: local, port }
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  text: string
}
async function ask(
  host: string,
  path = '/',
  options: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer } = {}
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options
  const request = httpRequest({
    host: local,
    port: ingress.httpPort,
    path,
    method,
    headers: { host, ...headers },
    agent: false
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    text
  }
}
/** Sends bytes as they are and returns all that comes back until the connection ends or `until` is seen. */
async function raw(bytes: string, until?: string): Promise<string> {
  const socket = connect(ingress.httpPort, local)
  socket.write(bytes, 'latin1')
  let text = ''
  try {
    for await (const chunk of socket) {
      text += String(chunk)
      if (until !== undefined && text.includes(until)) break
    }
  } catch {
    text += '<reset>'
  }
  socket.destroy()
  return text
}
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const echo = await backend((request, response) => {
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
  })
  request.on('end', () => {
    response.setHeader('Set-Cookie', ['a=1', 'b=2'])
    response.end(
      JSON.stringify({
        url: request.url,
        method: request.method,
        headers: request.headers,
        raw: request.rawHeaders,
        size
      })
    )
  })
})
const silent = await backend(() => {})
const sse = await backend((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: 1\n\n')
})
const cutting = await backend((_, response) => {
  response.writeHead(200, { 'content-length': '100' })
  response.write('part', () => response.destroy())
})
serve('echo', echo)
serve('silent', silent)
serve('sse', sse)
serve('cutting', cutting)
serve('empty')
const main = model({
  rules: [
    rule('echo.test', 'echo'),
    rule('*.wild.test', 'echo'),
    rule('silent.test', 'silent'),
    rule('sse.test', 'sse'),
    rule('cutting.test', 'cutting'),
    rule('empty.test', 'empty'),
    rule('nothing.test', 'nothing'),
    rule('retry.test', 'retry'),
    rule('flaky.test', 'flaky'),
    rule('ws.test', 'ws'),
    rule('roll.test', 'roll'),
    rule('split.test', 'echo', '/public'),
    rule('split.test', 'empty', '/admin')
  ]
})
ingress.setIngresses([
  main,
  model({ key: 'default/secure', rules: [rule('secure.test', 'echo')], sslRedirect: true })
])

t.test('a request arrives as it was sent, with X-Forwarded headers', async (t) => {
  const body = 'x'.repeat(300_000)
  const answer = await ask('echo.test:8080', '/a/b?c=d%20e', {
    method: 'POST',
    body,
    headers: { 'X-Two': ['1', '2'], connection: 'close, x-secret', 'x-secret': 'hop', te: 'trailers' }
  })
  t.equal(answer.status, 200)
  t.same(answer.headers['set-cookie'], ['a=1', 'b=2'])
  const seen = JSON.parse(answer.text) as {
    url: string
    method: string
    size: number
    headers: Record<string, string>
  }
  t.match(seen, {
    url: '/a/b?c=d%20e',
    method: 'POST',
    size: 300_000,
    headers: {
      host: 'echo.test:8080',
      'x-two': '1, 2',
      'x-forwarded-for': local,
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'echo.test:8080',
      'x-forwarded-port': '8080',
      'content-length': '300000'
    }
  })
  t.notOk('x-secret' in seen.headers || 'te' in seen.headers)
  const chunked = await raw(
    'POST / HTTP/1.1\r\nHost: a.wild.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
  )
  t.match(chunked, /"size":5/)
  const kept = await ask('echo.test', '/', {
    headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }
  })
  t.match(JSON.parse(kept.text), {
    headers: { 'x-forwarded-for': `203.0.113.9, ${local}`, 'x-forwarded-proto': 'https' }
  })
})

t.test('HEAD, and requests one after another on one connection', async (t) => {
  const head = await ask('echo.test', '/', { method: 'HEAD' })
  t.match(head, { status: 200, text: '' })
  const one = 'GET /1 HTTP/1.1\r\nHost: echo.test\r\n\r\n'
  const text = await raw(
    one +
      one.replace('/1', '/2') +
      one.replace('/1', '/3').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  )
  t.match(text, /"url":"\/1".*"url":"\/2".*"url":"\/3"/s)
})

t.test('errors say what is wrong', async (t) => {
  t.match(await ask('nobody.test', '/x'), {
    status: 404,
    text: /no Ingress has a rule for host "nobody.test" and path "\/x".*echo\.test\/ \(default\/main\)/s
  })
  t.match(await ask('empty.test'), { status: 503, text: /default\/empty:80 has no endpoint/ })
  t.match(await ask('nothing.test'), { status: 503, text: /no Service default\/nothing/ })
  t.match(await ask('silent.test'), { status: 504, text: /did not answer in time/ })
  await t.rejects(ask('cutting.test'), 'a cut answer is seen as cut')
  t.match(await ask('split.test', '/public/a'), { status: 200 })
  t.match(await ask('split.test', '/public/%2e%2e/admin'), { status: 503 })
})

t.test('ambiguous and malformed requests are refused, and nothing of them reaches a backend', async (t) => {
  let seen = 0
  const counter = () => {
    seen++
  }
  echo.server.on('request', counter)
  const head = 'POST / HTTP/1.1\r\nHost: echo.test\r\n'
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: echo.test\r\n\r\n'
  const bad = [
    `${head}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${smuggled}`,
    `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Content-Length: +5\r\n\r\nhello${smuggled}`,
    `${head}Content-Length: 0x5\r\n\r\nhello${smuggled}`,
    `${head}X: a\rb\r\n\r\n`,
    `${head}X: a\0b\r\n\r\n`,
    `POST / HTTP/1.0\r\nHost: echo.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: echo.test\r\nHost: empty.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: echo.test/evil\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
    'GET echo.test HTTP/1.1\r\nHost: echo.test\r\n\r\n',
    'GET /a\u00ffb#x HTTP/1.1\r\nHost: echo.test\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: echo.test\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: echo.test\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    'CONNECT echo.test:80 HTTP/1.1\r\nHost: echo.test\r\n\r\n'
  ]
  for (const bytes of bad) {
    const answer = await raw(bytes)
    t.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(bytes.slice(0, 90)))
    t.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer, then the end')
  }
  t.equal(seen, 0)
  // A chunk size that lies shows only after the head was passed on: the request ends there.
  t.notMatch(
    await raw(`${head}Transfer-Encoding: chunked\r\n\r\n5;x\nhello\r\n0\r\n\r\n${smuggled}`),
    /smuggled/
  )
  t.notMatch(
    await raw(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n${smuggled}`),
    /smuggled/
  )
  echo.server.off('request', counter)
  const absolute = await raw(
    'GET http://echo.test/abs HTTP/1.1\r\nHost: empty.test\r\nConnection: close\r\n\r\n'
  )
  t.match(absolute, /"url":"\/abs".*"host":"echo\.test"/s, 'the authority of the target counts')
})

t.test('an offer of h2c is ignored', async (t) => {
  const bytes =
    'POST /up HTTP/1.1\r\nHost: echo.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nContent-Length: 5\r\n\r\nhello'
  const text = await raw(bytes, '"size":5')
  t.match(text, /HTTP\/1\.1 200.*"url":"\/up"/s)
  t.notMatch(text, /http2-settings/i)
})

t.test('events stream through; a client that leaves takes its upstream connection along', async (t) => {
  const request = httpRequest({
    host: local,
    port: ingress.httpPort,
    headers: { host: 'sse.test' },
    agent: false
  }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const [chunk] = (await once(response, 'data')) as [Buffer]
  t.equal(String(chunk), 'data: 1\n\n')
  t.equal(sse.open.size, 1)
  request.on('error', () => {})
  request.destroy()
  await until(() => sse.open.size === 0)
  const waiting = httpRequest({
    host: local,
    port: ingress.httpPort,
    headers: { host: 'silent.test' },
    agent: false
  }).end()
  waiting.on('error', () => {})
  await once(silent.server, 'request')
  waiting.destroy()
  await until(() => silent.open.size === 0)
  t.pass('no socket is left')
})

t.test('uploads stop where the backend stops reading', async (t) => {
  const slow = await backend((request, response) => {
    request.pause()
    response.on('close', () => {})
    setImmediate(() => {
      request.resume()
      request.on('end', () => response.end('all'))
    })
  })
  serve('retry', slow)
  t.match(await ask('retry.test', '/', { method: 'PUT', body: Buffer.alloc(5_000_000) }), { text: 'all' })
  const early = await backend((_, response) => {
    response.writeHead(413, { connection: 'close' }).end('too much')
  })
  serve('retry', early)
  const text = await raw('POST / HTTP/1.1\r\nHost: retry.test\r\nContent-Length: 100000\r\n\r\nabc')
  t.match(text, /413/)
})

t.test('another endpoint is tried when one can not be reached', async (t) => {
  const dead = await deadEndpoint()
  serve('retry', dead, echo)
  for (let i = 0; i < 6; i++)
    t.match(await ask('retry.test', '/', { method: 'POST', body: 'hello' }), {
      status: 200,
      text: /"size":5/
    })
  serve('retry', dead)
  t.match(await ask('retry.test', '/', { method: 'POST', body: 'hello' }), {
    status: 502,
    text: /can't be reached/
  })
})

t.test('a request that may have been acted upon is not sent again', async (t) => {
  const seen: string[] = []
  const flaky = await backend((request) => {
    seen.push(request.method ?? '')
    request.socket.destroy()
  })
  const good = await backend((request, response) => {
    seen.push(`good ${request.method ?? ''}`)
    response.end('ok')
  })
  serve('flaky', flaky, good)
  const results = [await ask('flaky.test'), await ask('flaky.test'), await ask('flaky.test')]
  t.same(
    results.map((r) => r.status),
    [200, 200, 200]
  )
  seen.length = 0
  serve('flaky', flaky)
  t.match(await ask('flaky.test', '/', { method: 'POST', body: 'x' }), { status: 502 })
  t.same(seen, ['POST'])
})

t.test('rolling from one endpoint to another loses no request and leaves no idle connection', async (t) => {
  const pod = () => backend((_, response) => setImmediate(() => response.end('ok')))
  let [current, running, failed, done] = [await pod(), true, 0, 0]
  serve('roll', current)
  const clients = Array.from({ length: 8 }, async () => {
    while (running) {
      const { status } = await ask('roll.test')
      if (status === 200) done++
      else failed++
    }
  })
  for (let i = 0; i < 5; i++) {
    const next = await pod()
    const target = done + 30
    serve('roll', current, next)
    await until(() => done > target)
    serve('roll', next)
    const old = current
    await until(() => old.open.size === 0)
    old.server.close()
    current = next
  }
  running = false
  await Promise.all(clients)
  t.equal(failed, 0)
  t.ok(done > 150)
})

t.test('WebSocket: both ways, and both ends end together', async (t) => {
  const ws = await backend((_, response) =>
    response.writeHead(403, { 'transfer-encoding': 'chunked' }).end('no websocket')
  )
  const server = new WebSocketServer({ noServer: true })
  let headers: IncomingMessage['headers'] = {}
  ws.server.on('upgrade', (request: IncomingMessage, socket: Socket, head) => {
    headers = request.headers
    if (request.url === '/refuse') {
      socket.end('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n')
      return
    }
    server.handleUpgrade(request, socket, head, (peer) => {
      peer.on('message', (data, binary) => {
        peer.send(data, { binary })
      })
    })
  })
  serve('ws', await deadEndpoint(), ws)
  const open = (path = '/') =>
    new WebSocket(`ws://${local}:${String(ingress.httpPort)}${path}`, { headers: { host: 'ws.test' } })
  const client = open()
  await once(client, 'open')
  client.send(Buffer.alloc(100_000, 7))
  const [data] = (await once(client, 'message')) as [Buffer]
  t.equal(data.length, 100_000)
  t.match(headers, { host: 'ws.test', 'x-forwarded-for': local, 'x-forwarded-proto': 'http' })
  client.close()
  await once(client, 'close')
  await until(() => ws.open.size === 0)
  const rude = open()
  await once(rude, 'open')
  rude.terminate()
  await until(() => ws.open.size === 0)
  const dropped = open()
  await once(dropped, 'open')
  for (const peer of server.clients) peer.terminate()
  await once(dropped, 'close')
  const refused = open('/refuse')
  refused.on('error', () => {})
  const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage]
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  t.match({ status: answer.statusCode, text }, { status: 403, text: 'nope' })
  await until(() => ws.open.size === 0)
  serve('ws')
  const none = open()
  none.on('error', () => {})
  const [, unavailable] = (await once(none, 'unexpected-response')) as [unknown, IncomingMessage]
  t.equal(unavailable.statusCode, 503)
})

t.test('TLS: the certificate of the host that is asked for, else a self-signed one', async (t) => {
  const [exact, wild] = [await certificateFor('tls.test'), await certificateFor('*.w.test')]
  const tls = [
    { hosts: ['tls.test'], secret: 'default/a', certificate: exact.cert, privateKey: exact.key },
    { hosts: ['*.w.test'], secret: 'default/b', certificate: wild.cert, privateKey: wild.key },
    { hosts: ['bad.test'], secret: 'default/c', certificate: exact.cert, privateKey: wild.key }
  ]
  const subjectFor = async (servername?: string) => {
    const socket = tlsConnect({
      host: local,
      port: ingress.httpsPort,
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername })
    })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    socket.write(`GET /t HTTP/1.1\r\nHost: ${servername ?? 'echo.test'}\r\nConnection: close\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return { CN, proto: /"x-forwarded-proto":"(\w+)"/.exec(text)?.[1] }
  }
  t.match(await subjectFor(), { CN: 'mk ingress default certificate', proto: 'https' })
  ingress.setIngresses([
    main,
    model({ key: 'default/tls', rules: [rule('tls.test', 'echo'), rule('*.w.test', 'echo')], tls })
  ])
  t.same(await subjectFor('tls.test'), { CN: 'tls.test', proto: 'https' })
  t.same(await subjectFor('x.w.test'), { CN: '*.w.test', proto: 'https' })
  t.match(await subjectFor('echo.test'), { CN: 'mk ingress default certificate' })
  t.match(await subjectFor(), { CN: 'tls.test' })
  t.match(problems, [{ ingress: 'default/tls', message: /default\/c is not usable: .*mismatch/ }])
  const renewed = await certificateFor('tls.test')
  ingress.setIngresses([
    main,
    model({
      key: 'default/tls',
      rules: [rule('tls.test', 'echo')],
      tls: [{ ...tls[0], certificate: renewed.cert, privateKey: renewed.key } as never]
    })
  ])
  t.match(await subjectFor('tls.test'), { CN: 'tls.test' })
})

t.test('redirect to HTTPS only where asked', async (t) => {
  ingress.setIngresses([
    main,
    model({ key: 'default/secure', rules: [rule('secure.test', 'echo')], sslRedirect: true })
  ])
  t.match(await ask('secure.test:8080', '/x?y'), {
    status: 308,
    headers: { location: `https://secure.test:${String(ingress.httpsPort)}/x?y` }
  })
})

t.test('a port in use: the next one, and who holds it', async (t) => {
  const told: string[] = []
  const second = new IngressServer({
    ...base,
    httpPorts: [ingress.httpPort, 0],
    httpsPorts: [0],
    onNotice: (m) => told.push(m),
    onCertificateProblem: () => {}
  })
  await second.start()
  t.not(second.httpPort, ingress.httpPort)
  t.match(told, [
    new RegExp(
      `port ${String(ingress.httpPort)} is held by .* \\(pid ${String(process.pid)}\\).*listens on 127.0.0.1:${String(second.httpPort)} instead`
    )
  ])
  await second.stop()
})
