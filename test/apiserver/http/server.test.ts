import { connect as tlsConnect } from 'node:tls'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as http2Connect } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect as netConnect } from 'node:net'
import { PassThrough } from 'node:stream'
import type { Duplex } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { isMkError } from '../../../src/base/errors.js'
import type { ConnectHandlers } from '../../../src/apiserver/connect.js'
import { configMap, kindOf, pod } from '../support.js'
import { dig, startServer } from '../server.js'
import type { TestServer } from '../server.js'

const maps = '/api/v1/namespaces/default/configmaps'

async function withServer(
  t: { teardown(run: () => Promise<void>): void },
  options: { connect?: ConnectHandlers } = {}
): Promise<TestServer> {
  const server = await startServer(options)
  t.teardown(() => server.close())
  return server
}

interface Frame {
  type: string
  object: Record<string, unknown>
}

/** Reads frames of a watch. */
async function* frames(stream: AsyncIterable<Buffer | string>): AsyncGenerator<Frame> {
  let rest = ''
  for await (const piece of stream) {
    const parts = (rest + String(piece)).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) yield JSON.parse(part) as Frame
  }
}

t.test('health, version and metrics', async (t) => {
  const server = await withServer(t)
  for (const path of ['/healthz', '/livez', '/readyz', '/readyz/ping']) {
    const answer = await server.call('GET', path, { token: null })
    t.match(answer, { code: 200, text: 'ok' }, path)
  }
  t.match((await server.call('GET', '/readyz?verbose')).text, /\[\+\]ping ok\nreadyz check passed/)
  t.equal((await server.call('GET', '/readyz/nope')).code, 404)
  const version = await server.call('GET', '/version', { token: null })
  t.match(version.body, { major: '1', minor: '36', gitVersion: /^v1\.36\.\d+\+mk$/ })
  t.equal(Object.keys(version.body as object).length, 9)
  t.match(
    (await server.call('GET', '/metrics')).text,
    /apiserver_request_total\{code="200",resource="",verb="GET"\}/
  )
})

t.test('who is asked for credentials, and what he may do', async (t) => {
  const server = await withServer(t)
  const anonymous = await server.call('GET', '/api/v1/pods', { token: null })
  t.equal(anonymous.code, 403)
  t.equal(
    dig(anonymous.body, 'message'),
    'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'
  )
  t.equal(
    dig((await server.call('GET', '/api', { token: null })).body, 'message'),
    'forbidden: User "system:anonymous" cannot get path "/api"'
  )
  const wrong = await server.call('GET', '/api/v1/pods', { token: 'wrong' })
  t.match(wrong, { code: 401, body: { reason: 'Unauthorized', message: 'Unauthorized' } })
  t.equal(
    (await server.call('GET', '/api/v1/pods', { token: null, headers: { authorization: 'Basic eDp5' } }))
      .code,
    401
  )
  const { cert, key } = await server.pki.issueClient({ user: 'jane', groups: ['devs'] })
  const jane = (method: string, path: string, body?: unknown) =>
    new Promise<{ code: number | undefined; text: string }>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: server.port,
        method,
        path,
        ca: server.pki.ca,
        cert,
        key,
        agent: false as const
      }
      const request = httpsRequest(options, (answer) => {
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('end', () => {
          resolve({ code: answer.statusCode, text: Buffer.concat(pieces).toString() })
        })
      })
      request.on('error', reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  t.match(await jane('GET', '/api/v1/namespaces/default/pods/x'), {
    code: 403,
    text: /pods \\"x\\" is forbidden: User \\"jane\\" cannot get resource \\"pods\\" in API group \\"\\" in the namespace \\"default\\"/
  })
  t.equal((await jane('GET', '/apis')).code, 200)
  t.match(await jane('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}), {
    code: 201,
    text: /"username":"jane","groups":\["devs","system:authenticated"\]/
  })
  const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
  t.match(
    (await jane('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)).text,
    /"status":\{"allowed":false\}/
  )
})

t.test('certificates that others signed are refused', async (t) => {
  const [server, other] = [await withServer(t), await withServer(t)]
  const { cert, key } = other.pki.admin
  const request = httpsRequest({
    host: '127.0.0.1',
    port: server.port,
    path: '/api/v1/pods',
    ca: server.pki.ca,
    cert,
    key,
    agent: false
  })
  request.end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  t.equal(answer.statusCode, 401)
  answer.resume()
  await once(answer, 'end')
})

t.test('paths and methods that are not served', async (t) => {
  const server = await withServer(t)
  for (const path of [
    '/nope',
    '/apis/nope/v1/things',
    '/apis/apps/v1/things',
    '/api/v1/namespaces/default/nodes',
    `${maps}/x/status`
  ]) {
    const answer = await server.call('GET', path)
    t.match(
      answer,
      { code: 404, text: '404 page not found\n', headers: { 'content-type': /^text\/plain/ } },
      path
    )
  }
  for (const [method, path] of [
    ['POST', '/api/v1/pods'],
    ['POST', `${maps}/x`],
    ['PUT', maps],
    ['DELETE', '/api/v1/namespaces'],
    ['OPTIONS', maps],
    ['GET', '/apis/authentication.k8s.io/v1/selfsubjectreviews']
  ] as const) {
    t.match(
      await server.call(method, path),
      { code: 405, body: { reason: 'MethodNotAllowed' } },
      `${method} ${path}`
    )
  }
})

t.test('objects: created, read, changed and deleted, with the right codes', async (t) => {
  const server = await withServer(t)
  const made = await server.call('POST', maps, { body: configMap('x', { a: '1' }) })
  t.equal(made.code, 201)
  t.equal(dig(made.body, 'metadata.managedFields.0.manager'), 'unknown')
  t.equal((await server.call('GET', `${maps}/x`)).text, made.text, 'byte for byte')
  const agent = { headers: { 'user-agent': 'tester/1.0 (linux)' } }
  const put = await server.call('PUT', `${maps}/x`, {
    body: { ...(made.body as object), data: { b: '2' } },
    ...agent
  })
  t.equal(put.code, 200)
  t.ok(
    dig<{ manager: string }[]>(put.body, 'metadata.managedFields').some((entry) => entry.manager === 'tester')
  )
  const apply = {
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: 'apiVersion: v1\nkind: ConfigMap\ndata:\n  c: "3"\n'
  }
  t.equal((await server.call('PATCH', `${maps}/y?fieldManager=f`, apply)).code, 201)
  t.equal((await server.call('PATCH', `${maps}/y?fieldManager=f`, apply)).code, 200)
  t.match(await server.call('GET', maps), {
    code: 200,
    body: { kind: 'ConfigMapList', items: [{ metadata: { name: 'x' } }, { metadata: { name: 'y' } }] }
  })
  t.notOk(dig((await server.call('GET', maps)).body, 'items.0.kind'), 'items of typed lists have no kind')
  const options = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } }
  t.equal((await server.call('DELETE', `${maps}/x`, { body: options })).code, 409)
  t.match(await server.call('DELETE', `${maps}/x`), {
    code: 200,
    body: { kind: 'Status', status: 'Success' }
  })
  t.match(await server.call('DELETE', `${maps}?labelSelector=a`), { code: 200, body: { items: [] } })
  t.match(await server.call('GET', `${maps}/x`), {
    code: 404,
    body: { reason: 'NotFound', details: { name: 'x', kind: 'configmaps' } }
  })
})

t.test('what cannot be read is refused by its type', async (t) => {
  const server = await withServer(t)
  const send = (contentType: string, body: string | Buffer, method = 'POST', path = maps) =>
    server.call(method, path, { body, headers: { 'content-type': contentType } })
  t.equal((await send('application/json', '{"metadata":')).code, 400)
  t.equal((await send('application/json', Buffer.from([0x22, 0xff, 0x22]))).code, 400)
  t.match(await send('application/cbor', 'x'), { code: 415, body: { reason: 'UnsupportedMediaType' } })
  t.equal((await send('application/yaml', 'metadata:\n  name: fromyaml\n')).code, 201)
  t.equal((await send('application/apply-patch+cbor', 'x', 'PATCH', `${maps}/x`)).code, 415)
  t.equal((await send('application/vnd.kubernetes.protobuf', 'nope')).code, 400)
  const duplicate = '{"metadata":{"name":"d"},"data":{"a":"1","a":"2"}}'
  const strict = await send('application/json', duplicate, 'POST', `${maps}?fieldValidation=Strict`)
  t.match(dig(strict.body, 'message'), /strict decoding error: duplicate field "data.a"/)
  const warned = await send('application/json', duplicate)
  t.equal(warned.headers['warning'], '299 - "duplicate field \\"data.a\\""')
  const huge = await send(
    'application/json',
    JSON.stringify(configMap('x', { a: 'x'.repeat(4 * 1024 * 1024) }))
  )
  t.match(huge, { code: 413, body: { reason: 'RequestEntityTooLarge' } })
  t.match(await server.call('GET', maps, { headers: { accept: 'application/cbor' } }), {
    code: 406,
    body: { reason: 'NotAcceptable' }
  })
})

t.test('tables and metadata alone', async (t) => {
  const server = await withServer(t)
  await server.call('POST', maps, { body: configMap('x', { a: '1', b: '2' }) })
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }
  const list = await server.call('GET', maps, { headers: table })
  t.match(list.body, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    columnDefinitions: [{ name: 'Name', format: 'name' }, { name: 'Data' }, { name: 'Age' }],
    rows: [{ cells: ['x', 2, /^\d+s$/], object: { kind: 'PartialObjectMetadata', metadata: { name: 'x' } } }]
  })
  t.match(
    dig(
      (await server.call('GET', `${maps}/x?includeObject=Object`, { headers: table })).body,
      'rows.0.object'
    ),
    { data: { a: '1' } }
  )
  t.notOk(
    dig((await server.call('GET', `${maps}?includeObject=None`, { headers: table })).body, 'rows.0.object')
  )
  const partial = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' }
  t.match((await server.call('GET', maps, { headers: partial })).body, {
    kind: 'PartialObjectMetadataList',
    items: [{ metadata: { name: 'x' } }]
  })
  const onlyTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
  const review = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    body: {},
    headers: onlyTable
  })
  t.equal(review.code, 406)
})

t.test('discovery in three forms', async (t) => {
  const server = await withServer(t)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
  const api = await server.call('GET', '/api', { headers: { accept } })
  t.equal(api.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')
  type Entry = { resource: string; subresources: { subresource: string }[] }
  const pods = dig<Entry[]>(api.body, 'items.0.versions.0.resources').find((one) => one.resource === 'pods')
  t.match(pods, { scope: 'Namespaced', shortNames: ['po'], responseKind: { kind: 'Pod' } })
  t.ok(pods?.subresources.some((one) => one.subresource === 'binding'))
  const beta = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList' }
  t.equal(
    dig((await server.call('GET', '/apis', { headers: beta })).body, 'apiVersion'),
    'apidiscovery.k8s.io/v2beta1'
  )
  t.match((await server.call('GET', '/api')).body, { kind: 'APIVersions', versions: ['v1'] })
  t.ok(
    dig<{ name: string }[]>((await server.call('GET', '/apis')).body, 'groups').some(
      (group) => group.name === 'apps'
    )
  )
  t.match((await server.call('GET', '/apis/apps')).body, {
    kind: 'APIGroup',
    preferredVersion: { version: 'v1' }
  })
  const legacy = (await server.call('GET', '/apis/apps/v1')).body
  t.match(legacy, { kind: 'APIResourceList', groupVersion: 'apps/v1' })
  const scale = dig<{ name: string }[]>(legacy, 'resources').find((one) => one.name === 'deployments/scale')
  t.match(scale, { group: 'autoscaling', version: 'v1', kind: 'Scale' })
})

t.test('schemas by hash', async (t) => {
  const server = await withServer(t)
  const index = dig<Record<string, { serverRelativeURL: string }>>(
    (await server.call('GET', '/openapi/v3')).body,
    'paths'
  )
  const url = index['apis/apps/v1']?.serverRelativeURL ?? ''
  const good = await server.call('GET', url)
  t.equal(good.headers['cache-control'], 'public, immutable')
  t.equal(good.headers['etag'], `"${url.split('hash=')[1] ?? ''}"`)
  const wrong = await server.call('GET', url.replace(/hash=.*/, 'hash=AB'))
  t.match(wrong, { code: 301, headers: { location: url } })
  t.equal(
    (await server.call('GET', url, { headers: { 'if-none-match': String(good.headers['etag']) } })).code,
    304
  )
  const v2 = await server.call('GET', '/openapi/v2', {
    headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' }
  })
  t.equal(v2.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
})

t.test('a long list is compressed for those who can read it, and whole for others', async (t) => {
  const server = await withServer(t)
  for (let i = 0; i < 4; i++)
    await server.call('POST', maps, { body: configMap(`m${String(i)}`, { a: 'x'.repeat(500_000) }) })
  const plain = await server.call('GET', maps)
  t.equal(dig(plain.body, 'items.length'), 4)
  const zipped = await server.open('GET', maps, { headers: { 'accept-encoding': 'gzip' } })
  t.equal(zipped.headers['content-encoding'], 'gzip')
  const pieces: Buffer[] = []
  for await (const piece of zipped) pieces.push(piece as Buffer)
  t.equal(gunzipSync(Buffer.concat(pieces)).toString(), plain.text)
})

t.test('watches over HTTP/1.1: objects, tables, errors, and a clean end', async (t) => {
  const server = await withServer(t)
  await server.call('POST', maps, { body: configMap('x') })
  const stream = await server.open('GET', `${maps}?watch=true&timeoutSeconds=1`)
  const seen: string[] = []
  for await (const { type, object } of frames(stream)) {
    seen.push(`${type} ${dig<string>(object, 'metadata.name')}`)
    if (seen.length === 1) await server.call('DELETE', `${maps}/x`)
  }
  t.same(seen, ['ADDED x', 'DELETED x'])
  await server.call('POST', maps, { body: configMap('y') })
  await server.call('POST', maps, { body: configMap('z') })
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const tables = frames(await server.open('GET', `${maps}?watch=1&timeoutSeconds=1`, { headers: { accept } }))
  const [first, second] = [await tables.next(), await tables.next()].map((one) => one.value as Frame)
  t.match(first?.object, { kind: 'Table', columnDefinitions: [{ name: 'Name' }], rows: [{ cells: ['y'] }] })
  t.same(second?.object['columnDefinitions'], [], 'headers come once')
  await tables.return(undefined)
  await server.store.compact(server.store.revision)
  t.equal((await server.call('GET', `${maps}?watch=true&resourceVersion=1`)).code, 410)
})

t.test('watches over HTTP/2', async (t) => {
  const server = await withServer(t)
  const session = http2Connect(`https://127.0.0.1:${String(server.port)}`, { ca: server.pki.ca })
  t.teardown(() => {
    session.destroy()
  })
  const headers = { authorization: `Bearer ${server.pki.adminToken}` }
  const stream = session.request({ ':path': `${maps}?watch=true`, ...headers })
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>]
  t.equal(head[':status'], 200, 'the head comes before any event')
  await server.call('POST', maps, { body: configMap('x') })
  const value = (await frames(stream).next()).value as Frame
  t.match(value, { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'x' } } })
  stream.destroy()
})

t.test('a watcher that does not read is dropped, and others go on', async (t) => {
  const server = await withServer(t)
  const stuck = await server.open('GET', `${maps}?watch=true`)
  stuck.pause()
  stuck.on('error', () => {})
  const good = frames(await server.open('GET', `${maps}?watch=true`))
  const api = server.server.transport({ name: 'w', groups: ['system:masters'] })
  const at = { kind: kindOf('ConfigMap'), namespace: 'default' }
  await api.create(at, configMap('x', { a: 'x'.repeat(20_000) }))
  let received = 0
  const reading = (async () => {
    for await (const event of good) {
      received++
      if (dig(event.object, 'data.n') === 'last') return
    }
  })()
  const dropped = () => server.log.some((line) => line.includes('dropped a watcher'))
  for (let n = 0; n < 20_000 && !dropped(); n++) {
    await api.patch({ ...at, name: 'x' }, 'merge', { data: { n: String(n) } })
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(dropped(), 'said so in the log')
  await api.patch({ ...at, name: 'x' }, 'merge', { data: { n: 'last' } })
  await reading
  t.ok(received > 1000)
  stuck.destroy()
})

t.test('streams are handed over as upgrades, logs as a body', async (t) => {
  const output = new PassThrough()
  let closed = false
  const upgraded: string[] = []
  const connect: ConnectHandlers = {
    log: (found, query) => {
      output.write(`${found.metadata.name} ${query.get('follow') ?? ''}\n`)
      return Promise.resolve({
        output,
        close: () => {
          closed = true
        }
      })
    },
    upgrade: ({ subresource, pod: found, socket, query }) => {
      upgraded.push(`${subresource} ${found.metadata.name} ${query.getAll('command').join(' ')}`)
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nhello')
    }
  }
  const server = await withServer(t, { connect })
  const api = server.server.transport({ name: 'w', groups: ['system:masters'] })
  await api.create(
    { kind: kindOf('ServiceAccount'), namespace: 'default' },
    { metadata: { name: 'default' } }
  )
  await api.create({ kind: kindOf('Pod'), namespace: 'default' }, pod('p'))
  const log = await server.open('GET', '/api/v1/namespaces/default/pods/p/log?follow=true')
  t.match(log.headers['content-type'], /^text\/plain/)
  t.equal(String((await once(log, 'data'))[0]), 'p true\n')
  log.destroy()
  await t.resolves(waitFor(() => closed))
  const upgrade = (path: string, token: string) =>
    new Promise<{ code: number | undefined; text: string }>((resolve, reject) => {
      const request = httpsRequest({
        host: '127.0.0.1',
        port: server.port,
        path,
        method: 'POST',
        ca: server.pki.ca,
        agent: false,
        headers: { connection: 'Upgrade', upgrade: 'test', authorization: `Bearer ${token}` }
      })
      request.on('upgrade', (answer, socket: Duplex, head) => {
        socket.destroy()
        resolve({ code: answer.statusCode, text: head.toString() })
      })
      request.on('response', (answer) => {
        answer.resume()
        resolve({ code: answer.statusCode, text: '' })
      })
      request.on('error', reject)
      request.end()
    })
  const exec = '/api/v1/namespaces/default/pods/p/exec?command=ls&command=-l'
  t.match(await upgrade(exec, server.pki.adminToken), { code: 101 })
  t.same(upgraded, ['exec p ls -l'])
  t.equal((await upgrade(exec, 'wrong')).code, 401)
  t.equal((await upgrade(exec.replace('/p/', '/q/'), server.pki.adminToken)).code, 404)
  t.equal((await upgrade(maps, server.pki.adminToken)).code, 400)
  t.equal((await server.call('POST', exec)).code, 400, 'no upgrade, no stream')
})

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('a port in use is told as such; a second address is another listener', async (t) => {
  const server = await withServer(t)
  await t.rejects(server.server.listen({ host: '127.0.0.1', port: server.port }), { code: 'MK_PORT_IN_USE' })
  try {
    await server.server.listen({ host: '127.0.0.1', port: server.port })
  } catch (error) {
    t.ok(isMkError(error, 'MK_PORT_IN_USE'))
  }
  const second = await server.server.listen({ host: '127.0.0.2', port: 0 })
  t.ok(second.port)
})

t.test('junk on the socket hurts nobody', async (t) => {
  const server = await withServer(t)
  const socket = netConnect(server.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  socket.on('error', () => {})
  await once(socket, 'close')
  t.equal((await server.call('GET', '/healthz')).text, 'ok')
})

t.test('an address that only some may reach', async (t) => {
  const { server } = await withServer(t)
  const connects = async (peers: string) => {
    const { port } = await server.listen({ host: '127.0.0.1', port: 0, peers })
    return new Promise<boolean>((resolve) => {
      const socket = tlsConnect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => {
        resolve(false)
      })
    })
  }
  t.equal(await connects('127.0.0.0/8'), true)
  t.equal(await connects('10.244.0.0/16'), false)
})
