import t from 'tap'
import { dig, startServer } from '../server.js'
import type { Answer } from '../server.js'
import { deployment, kindOf, pod } from '../support.js'

/** Random but repeatable (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const contentTypes = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/cbor',
  'text/html',
  ';;=',
  ''
]
const patchTypes = contentTypes.filter((type) => type.includes('patch'))
const accepts = [
  '*/*',
  '*/*',
  'application/json',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/cbor',
  ';q=x,,'
]
const paths = [
  '/',
  '/api',
  '/apis',
  '/api/v1',
  '/apis/apps',
  '/apis/apps/v1',
  '/apis/nope/v1',
  '/api/v1/nodes',
  '/api/v1/nodes/n',
  '/api/v1/namespaces',
  '/api/v1/namespaces/default',
  '/api/v1/namespaces/default/finalize',
  '/api/v1/namespaces/default/status',
  '/api/v1/namespaces/default/pods',
  '/api/v1/namespaces/default/pods/p',
  '/api/v1/namespaces/default/pods/p/status',
  '/api/v1/namespaces/default/pods/p/binding',
  '/api/v1/namespaces/default/pods/p/log',
  '/api/v1/namespaces/default/pods/p/exec',
  '/api/v1/namespaces/default/services',
  '/api/v1/namespaces/default/services/kubernetes',
  '/api/v1/namespaces/default/events',
  '/api/v1/namespaces/default/serviceaccounts/default/token',
  '/apis/apps/v1/namespaces/default/deployments',
  '/apis/apps/v1/namespaces/default/deployments/web',
  '/apis/apps/v1/namespaces/default/deployments/web/scale',
  '/apis/events.k8s.io/v1/namespaces/default/events',
  '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  '/apis/authentication.k8s.io/v1/tokenreviews',
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  '/openapi/v3',
  '/openapi/v3/api/v1',
  '/openapi/v3/%2e%2e',
  '/healthz/nope',
  '/version',
  '/metrics',
  '/%ff',
  '/api/v1/namespaces/%00/pods/%2f',
  '//api//v1//pods',
  '/api/v1/namespaces/__proto__/pods/constructor',
  '/apis/__proto__/v1/toString'
]
const queries = [
  '',
  '?limit=-1&continue=zzz',
  '?limit=abc',
  '?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0',
  '?resourceVersion=99999999999999999999',
  '?resourceVersion=12345678',
  '?resourceVersion=-1&resourceVersionMatch=Exact',
  '?resourceVersionMatch=Nope',
  '?labelSelector=a%20in%20(',
  '?fieldSelector=__proto__%3Dx',
  '?fieldSelector=metadata.name%3Dx',
  '?dryRun=Some',
  '?dryRun=All&fieldManager=%00',
  '?fieldManager=f&force=true',
  '?fieldValidation=Strict&dryRun=All',
  '?sendInitialEvents=true',
  '?includeObject=Everything',
  '?propagationPolicy=Nope',
  '?gracePeriodSeconds=1e9&orphanDependents=maybe',
  '?%ff=%ff'
]
const scalars = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  'x',
  '\u0000',
  'é\ud800',
  [],
  {},
  [null],
  [{}],
  { a: null }
]

const random = seeded(20_260_422)
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
const core = '/api/v1/namespaces/default'
/** Where it is created, and a good one of its kind. */
const kinds: [string, Record<string, unknown>][] = [
  [`${core}/pods`, pod('p')],
  ['/apis/apps/v1/namespaces/default/deployments', deployment('web')],
  [`${core}/services`, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }], selector: { a: 'b' } } }],
  [
    '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    {
      metadata: { name: 'i' },
      spec: {
        rules: [
          {
            host: 'h',
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }
              ]
            }
          }
        ]
      }
    }
  ],
  [
    '/api/v1/nodes',
    { metadata: { name: 'n' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] }, status: {} }
  ],
  [`${core}/events`, { metadata: { name: 'e' }, involvedObject: {}, regarding: {} }],
  [
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    { metadata: { name: 'e' }, addressType: 'IPv4', endpoints: [{ addresses: ['1.2.3.4'] }] }
  ]
]

/** Puts something wrong at a random place. */
const damage = (value: unknown, depth = 0): unknown => {
  if (typeof value !== 'object' || value === null || random() < 0.08 * depth) return pick(scalars)
  if (Array.isArray(value))
    return value.map((item: unknown) => (random() < 0.5 ? damage(item, depth + 1) : item))
  const entries = Object.entries(value)
  const hit = pick(entries)?.[0]
  return Object.fromEntries<unknown>(
    entries.map(([key, item]) => [key, key === hit ? damage(item, depth + 1) : item])
  )
}

t.test('whatever is sent, a client gets a status that is no 500', async (t) => {
  const server = await startServer()
  t.teardown(() => server.close())
  const body = (): string | Buffer | undefined => {
    const text = JSON.stringify(damage(pick(kinds)[1]))
    switch (Math.floor(random() * 12)) {
      case 0:
        return undefined
      case 1:
        return text.slice(0, Math.floor(random() * text.length))
      case 2:
        return '['.repeat(5000)
      case 3:
        return `{"__proto__":{"polluted":true},"metadata":{"name":"p","__proto__":{"x":1}}}`
      case 4:
        return Buffer.from([0xff, 0xfe, 0x00, 0x01])
      case 5:
        return Buffer.concat([Buffer.from('k8s\0'), Buffer.from(text)])
      case 6:
        return 'a: &a [*a]\n'
      case 7:
        return JSON.stringify([
          {
            op: pick(['add', 'remove', 'test', 'move', 'nope']),
            path: pick(['/a', '', '/metadata/name', '/spec/containers/-', '/__proto__/x']),
            value: pick(scalars),
            from: '/spec'
          }
        ])
      case 8:
        return JSON.stringify({
          spec: {
            $patch: 'replace',
            containers: [{ $patch: 'delete' }],
            '$setElementOrder/containers': pick(scalars)
          }
        })
      default:
        return text
    }
  }
  const seen = new Map<number, number>()
  for (let round = 0; round < 500; round++) {
    const [method, path, query] = [pick(methods), pick(paths), pick(queries)]
    // A watch would not end.
    const payload = method === 'GET' || method === 'HEAD' ? undefined : body()
    const usual = method === 'PATCH' ? pick(patchTypes) : 'application/json'
    const headers = { accept: pick(accepts), 'content-type': random() < 0.7 ? usual : pick(contentTypes) }
    const answer = await server.call(method, path + query, {
      headers,
      ...(payload === undefined ? {} : { body: payload })
    })
    seen.set(answer.code, (seen.get(answer.code) ?? 0) + 1)
    if (answer.code >= 500 && answer.code !== 504 && answer.code !== 503) {
      t.fail(`${method} ${path}${query} gave ${String(answer.code)}: ${answer.text}`, {
        headers,
        body: String(payload).slice(0, 500),
        log: server.log.slice(-1)
      })
    }
    if (
      answer.code >= 400 &&
      answer.headers['content-type']?.startsWith('application/json') &&
      method !== 'HEAD'
    ) {
      if (dig(answer.body, 'kind') !== 'Status') t.fail(`${method} ${path} gave no Status: ${answer.text}`)
    }
  }
  for (const code of [200, 400, 404, 405, 406, 415, 422]) t.ok(seen.has(code), `some gave ${String(code)}`)
  t.notOk(({} as { polluted?: boolean }).polluted, 'no prototype was reached')
  t.equal((await server.call('GET', '/readyz')).text, 'ok', 'the server is well')
})

t.test('an object with something wrong in it is refused with a reason, or accepted', async (t) => {
  const server = await startServer()
  t.teardown(() => server.close())
  const user = { name: 'test', groups: ['system:masters'] }
  const account = server.server.transport(user)
  await account.create(
    { kind: kindOf('ServiceAccount'), namespace: 'default' },
    { metadata: { name: 'default' } }
  )
  const seen = new Map<number, number>()
  const check = (what: string, body: unknown, answer: Answer) => {
    seen.set(answer.code, (seen.get(answer.code) ?? 0) + 1)
    const vague = answer.code >= 500 || answer.text.includes('a member that is needed is missing')
    if (vague) t.fail(`${what} gave ${answer.text}`, { body, log: server.log.slice(-1) })
  }
  for (const [path, good] of kinds) {
    const made = await server.call('POST', path, { body: good })
    t.equal(made.code, 201, `${path} takes a good one: ${made.text.slice(0, 200)}`)
    const whole = made.body as Record<string, unknown>
    const {
      managedFields: _fields,
      uid: _uid,
      resourceVersion: _version,
      ...metadata
    } = whole['metadata'] as Record<string, unknown>
    const name = dig<string>(good, 'metadata.name')
    for (let round = 0; round < 50; round++) {
      const fresh = damage({ ...whole, metadata: { ...metadata, name: `x${String(round)}` } })
      check(`POST ${path}`, fresh, await server.call('POST', path, { body: fresh }))
      const next = damage({ ...whole, metadata })
      check(`PUT ${path}`, next, await server.call('PUT', `${path}/${name}`, { body: next }))
      const headers = { 'content-type': pick(patchTypes) }
      const patch = damage(whole)
      const query = headers['content-type'].includes('apply') ? '?fieldManager=f&force=true' : ''
      check(
        `${headers['content-type']} ${path}`,
        patch,
        await server.call('PATCH', `${path}/${name}${query}`, { body: patch, headers })
      )
      const status = await server.call('PUT', `${path}/${name}/status`, {
        body: damage({ ...whole, metadata })
      })
      check(`PUT ${path} status`, undefined, status)
    }
  }
  for (const code of [200, 201, 400, 409, 422]) t.ok(seen.get(code), `some gave ${String(code)}`)
})
