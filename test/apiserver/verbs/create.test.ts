import t from 'tap'
import type { Deployment, Service } from '../../../src/api/types.js'
import { isReason } from '../../../src/base/status.js'
import type { StatusError } from '../../../src/base/status.js'
import { failure, configMap, deployment, fixture, sure, pod } from '../support.js'

t.test('the server decides about system fields, whatever the client says', async (t) => {
  const { api, at } = await fixture()
  const body = deployment('web')
  const made = await api.create(at('Deployment', 'default'), {
    ...body,
    metadata: {
      name: 'web',
      uid: 'mine',
      generation: 100,
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z'
    },
    status: { replicas: 7 }
  })
  t.match(made.metadata.uid, /^[0-9a-f-]{36}$/)
  t.equal(made.metadata.generation, 1)
  t.notMatch(made.metadata.creationTimestamp, /^2001/)
  t.equal(made.metadata.deletionTimestamp, undefined)
  t.equal(made.metadata.namespace, 'default')
  t.notOk(sure<Deployment>(made).status?.replicas, 'status is not for clients to create')
  t.equal(sure<Deployment>(made).spec.revisionHistoryLimit, 10, 'defaults are filled in')
  t.equal(body.metadata.name, 'web', 'the body stays as it was')
})

t.test('generateName appends five letters to a base that is cut at 58', async (t) => {
  const { api, at } = await fixture()
  const make = (generateName: string) =>
    api.create(at('ConfigMap', 'default'), { metadata: { generateName } })
  t.match((await make('short-')).metadata.name, /^short-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  const long = await make(`${'a'.repeat(70)}-`)
  t.match(long.metadata.name, /^a{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  t.equal(long.metadata.generateName, `${'a'.repeat(70)}-`)
})

t.test('what is wrong is said in upstream words', async (t) => {
  const { api, at } = await fixture()
  const create = (kind: string, body: unknown, namespace: string | undefined = 'default') =>
    failure(api.create(at(kind, namespace), body))
  await api.create(at('ConfigMap', 'default'), configMap('x'))
  const cases: [string, Promise<StatusError>, number, RegExp][] = [
    ['taken', create('ConfigMap', configMap('x')), 409, /^configmaps "x" already exists$/],
    [
      'no name',
      create('ConfigMap', {}),
      422,
      /metadata.name: Required value: name or generateName is required/
    ],
    [
      'bad name',
      create('ConfigMap', configMap('A_b')),
      422,
      /^ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123/
    ],
    [
      'bad label',
      create('ConfigMap', configMap('y', {}, { labels: { '-': '!' } })),
      422,
      /metadata.labels: Invalid value/
    ],
    [
      'bad finalizer',
      create('ConfigMap', configMap('y', {}, { finalizers: ['x'] })),
      422,
      /neither a standard finalizer name nor is it fully qualified/
    ],
    [
      'version',
      create('ConfigMap', configMap('y', {}, { resourceVersion: '1' })),
      400,
      /resourceVersion should not be set on objects to be created/
    ],
    [
      'other namespace',
      create('ConfigMap', configMap('y', {}, { namespace: 'z' })),
      400,
      /does not match the namespace sent on the request/
    ],
    [
      'other kind',
      create('ConfigMap', { ...configMap('y'), kind: 'Secret' }),
      400,
      /cannot be handled as a ConfigMap/
    ],
    [
      'other version',
      create('ConfigMap', { ...configMap('y'), apiVersion: 'v2' }),
      400,
      /the API version in the data \(v2\) does not match the expected API version \(v1\)/
    ],
    ['no object', create('ConfigMap', []), 400, /must be of type ConfigMap/],
    [
      'type',
      create('Deployment', { ...deployment('y'), spec: { replicas: 'many' } }),
      400,
      /json: cannot unmarshal string/
    ],
    ['missing namespace', create('ConfigMap', configMap('y'), 'gone'), 404, /^namespaces "gone" not found$/]
  ]
  for (const [name, promise, code, text] of cases) {
    const error = await promise
    t.equal(error.code, code, `${name}: ${error.message}`)
    t.match(error.message, text, name)
  }
})

t.test('unknown and duplicate fields: refused, warned about, or ignored', async (t) => {
  const { core, at } = await fixture()
  const { createEntity } = await import('../../../src/apiserver/verbs/create.js')
  const warnings: string[] = []
  const scope = {
    user: { name: 'u', groups: [] },
    manager: 'm',
    warn: (text: string) => void warnings.push(text),
    duplicates: ['data.a']
  }
  const body = { ...configMap('x', { a: '1' }), spec: { foo: 1 } }
  const create = (fieldValidation: 'Strict' | 'Warn' | 'Ignore', name: string) =>
    createEntity(
      core,
      scope,
      at('ConfigMap', 'default'),
      { ...body, metadata: { name } },
      { fieldValidation }
    )
  const refused = await failure(create('Strict', 'x'))
  t.equal(refused.code, 400)
  t.match(
    refused.message,
    /ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spec", duplicate field "data.a"/
  )
  t.same(warnings, [])
  const made = await create('Warn', 'y')
  t.same(warnings, ['unknown field "spec"', 'duplicate field "data.a"'])
  t.notOk('spec' in made.object, 'what is unknown is not stored')
  await create('Ignore', 'z')
  t.equal(warnings.length, 2)
})

t.test('a dry run goes through everything and stores nothing', async (t) => {
  const { api, at, store } = await fixture()
  const before = store.revision
  const service = { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } }
  const tried = await api.create(at('Service', 'default'), service, { dryRun: true })
  t.match(sure<Service>(tried).spec.clusterIP, /^10\.96\./)
  t.equal(store.revision, before)
  t.ok(isReason(await failure(api.get(at('Service', 'default', 's'))), 'NotFound'))
  const kept = await api.create(at('Service', 'default'), {
    ...service,
    spec: { ...service.spec, clusterIP: sure<Service>(tried).spec.clusterIP }
  })
  t.equal(
    sure<Service>(kept).spec.clusterIP,
    sure<Service>(tried).spec.clusterIP,
    'the address was not taken'
  )
})

t.test('stored bytes hold their own version and are what every reader gets', async (t) => {
  const { api, at, store } = await fixture()
  const made = await api.create(at('Pod', 'default'), pod('x'))
  const record = store.get('/registry/core/pods/default/x')
  t.same(JSON.parse(String(record?.value)), made)
  t.match(String(record?.value), /^\{"kind":"Pod","apiVersion":"v1",/)
  t.equal(made.metadata.resourceVersion, String(record?.modRevision))
  t.equal(await api.get(at('Pod', 'default', 'x')), await api.get(at('Pod', 'default', 'x')), 'parsed once')
})

t.test('events are one store under two groups', async (t) => {
  const { api, at } = await fixture()
  const event = {
    metadata: { name: 'e' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'c',
    reportingInstance: 'i',
    action: 'Go',
    reason: 'Because',
    type: 'Normal',
    note: 'text',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' }
  }
  await api.create(at('events.k8s.io/Event', 'default'), event)
  const old = await api.get({ ...at('Event', 'default', 'e'), kind: at('/Event').kind })
  t.match(old, { apiVersion: 'v1', message: 'text', involvedObject: { name: 'p' } })
  const both = await api.list(at('events.k8s.io/Event', 'default'))
  t.match(both.items[0], { apiVersion: 'events.k8s.io/v1', note: 'text', regarding: { name: 'p' } })
  t.equal(both.items[0]?.metadata.resourceVersion, old.metadata.resourceVersion)
})
