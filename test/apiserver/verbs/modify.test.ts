import t from 'tap'
import type { ConfigMap, Deployment, Pod } from '../../../src/api/types.js'
import type { KubeObject } from '../../../src/base/object.js'
import { failure, configMap, deployment, fixture, sure, pod } from '../support.js'

const copy = <T>(value: T): T => structuredClone(value)

t.test('an update needs the newest version, or names none', async (t) => {
  const { api, at } = await fixture()
  const first = await api.create(at('ConfigMap', 'default'), configMap('x', { a: '1' }))
  const second = await api.update(at('ConfigMap', 'default', 'x'), { ...copy(first), data: { a: '2' } })
  const stale = await failure(
    api.update(at('ConfigMap', 'default', 'x'), { ...copy(first), data: { a: '3' } })
  )
  t.equal(stale.code, 409)
  t.equal(
    stale.message,
    'Operation cannot be fulfilled on configmaps "x": the object has been modified; please apply your changes to the latest version and try again'
  )
  const blind = await api.update(at('ConfigMap', 'default', 'x'), configMap('x', { a: '4' }))
  t.equal(blind.metadata.uid, second.metadata.uid)
  const other = await failure(
    api.update(at('ConfigMap', 'default', 'x'), configMap('x', {}, { uid: 'other' }))
  )
  t.equal(other.code, 409)
  t.match(other.message, /Precondition failed: UID in precondition: other, UID in object meta/)
  t.equal((await failure(api.update(at('ConfigMap', 'default', 'x'), configMap('y')))).code, 400)
  t.equal((await failure(api.update(at('ConfigMap', 'default', 'y'), configMap('y')))).code, 404)
})

t.test('what changes nothing is not written', async (t) => {
  const { api, at, store } = await fixture()
  const first = await api.create(at('Deployment', 'default'), deployment('web'))
  const before = store.revision
  const again = await api.update(at('Deployment', 'default', 'web'), copy(first))
  const patched = await api.patch(at('Deployment', 'default', 'web'), 'merge', { spec: { replicas: 1 } })
  t.equal(again.metadata.resourceVersion, first.metadata.resourceVersion)
  t.equal(patched.metadata.resourceVersion, first.metadata.resourceVersion)
  t.equal(store.revision, before)
})

t.test('generation counts changes of the spec alone', async (t) => {
  const { api, at } = await fixture()
  const web = at('Deployment', 'default', 'web')
  await api.create(at('Deployment', 'default'), deployment('web'))
  const labelled = await api.patch(web, 'merge', { metadata: { labels: { a: 'b' }, generation: 99 } })
  t.equal(labelled.metadata.generation, 1)
  t.equal((await api.patch(web, 'merge', { spec: { replicas: 5 } })).metadata.generation, 2)
  const status = await api.patch({ ...web, subresource: 'status' }, 'merge', { status: { replicas: 5 } })
  t.equal(status.metadata.generation, 2)
  t.equal(((await api.delete(web, { propagationPolicy: 'Foreground' })) as KubeObject).metadata.generation, 3)
})

t.test('status and the rest are written apart', async (t) => {
  const { api, at } = await fixture()
  const web = at('Deployment', 'default', 'web')
  const made = await api.create(at('Deployment', 'default'), deployment('web'))
  const body = {
    ...copy(made),
    spec: { ...sure<Deployment>(copy(made)).spec, replicas: 9 },
    status: { replicas: 3, observedGeneration: 1 }
  }
  body.metadata.annotations = { note: 'kept' }
  const status = sure<Deployment>(await api.update({ ...web, subresource: 'status' }, body))
  t.equal(status.spec.replicas, 1)
  t.equal(status.status.replicas, 3)
  t.equal(status.metadata.annotations?.['note'], 'kept', 'annotations travel with a status')
  const main = sure<Deployment>(
    await api.update(web, { ...copy(status), spec: { ...copy(status).spec, replicas: 2 }, status: {} })
  )
  t.equal(main.spec.replicas, 2)
  t.equal(main.status.replicas, 3)
})

t.test('patches of four types, and their errors', async (t) => {
  const { api, at } = await fixture()
  const web = at('Deployment', 'default', 'web')
  await api.create(at('Deployment', 'default'), deployment('web'))
  const strategic = { spec: { template: { spec: { containers: [{ name: 'side', image: 's' }] } } } }
  const two = sure<Deployment>(await api.patch(web, 'strategic', strategic))
  t.same(two.spec.template.spec.containers.map((c: { name: string }) => c.name).sort(), ['c', 'side'])
  const one = sure<Deployment>(
    await api.patch(web, 'json', [{ op: 'replace', path: '/spec/replicas', value: 4 }])
  )
  t.equal(one.spec.replicas, 4)
  t.equal(
    (await failure(api.patch(web, 'json', [{ op: 'test', path: '/spec/replicas', value: 5 }]))).code,
    422
  )
  t.equal((await failure(api.patch(web, 'json', { a: 1 }))).code, 400)
  t.equal((await failure(api.patch(web, 'merge', { metadata: { resourceVersion: '1' } }))).code, 409)
  t.equal((await failure(api.patch(web, 'merge', { metadata: { name: 'other' } }))).code, 400)
  t.equal((await failure(api.patch(web, 'merge', { spec: { replicas: 'x' } }))).code, 400)
  const unknown = await failure(api.patch(web, 'merge', { spec: { foo: 1 } }, { fieldValidation: 'Strict' }))
  t.equal(unknown.code, 422)
  t.match(unknown.message, /patch: Invalid value: .*strict decoding error: unknown field "spec.foo"/)
  t.match(unknown.status.details?.causes?.[0], { field: 'patch' })
})

t.test('patches that race are all applied', async (t) => {
  const { api, at } = await fixture()
  await api.create(at('ConfigMap', 'default'), configMap('x'))
  const keys = Array.from({ length: 8 }, (_, i) => `k${String(i)}`)
  await Promise.all(
    keys.map((key) => api.patch(at('ConfigMap', 'default', 'x'), 'merge', { data: { [key]: 'v' } }))
  )
  t.same(Object.keys(sure<ConfigMap>(await api.get(at('ConfigMap', 'default', 'x'))).data).sort(), keys)
})

t.test('server-side apply creates, owns, conflicts and removes', async (t) => {
  const { api, at } = await fixture()
  const x = at('ConfigMap', 'default', 'x')
  const apply = (fieldManager: string, data: Record<string, string>, force = false) =>
    api.patch(x, 'apply', { apiVersion: 'v1', kind: 'ConfigMap', data }, { fieldManager, force })
  const made = await apply('one', { a: '1', b: '1' })
  t.match(made.metadata.managedFields, [{ manager: 'one', operation: 'Apply' }])
  t.equal((await apply('one', { a: '1', b: '1' })).metadata.resourceVersion, made.metadata.resourceVersion)
  const conflict = await failure(apply('two', { a: '2' }))
  t.equal(conflict.code, 409)
  t.match(conflict.message, /Apply failed with 1 conflict: conflict with "one"/)
  t.match(conflict.status.details?.causes, [{ reason: 'FieldManagerConflict', field: '.data.a' }])
  t.same(sure<ConfigMap>(await apply('two', { a: '2' }, true)).data, { a: '2', b: '1' })
  t.same(sure<ConfigMap>(await apply('one', {})).data, { a: '2' }, 'what nobody else owns goes')
  t.equal((await failure(api.patch(x, 'apply', { data: {} }))).code, 422, 'a manager is needed')
  const raced = await Promise.all([apply('a', { x: '1' }), apply('b', { y: '1' })])
  t.equal(raced.length, 2)
})

t.test('scale reads and writes replicas with the parent version', async (t) => {
  const { api, at } = await fixture()
  const made = await api.create(at('Deployment', 'default'), deployment('web'))
  const scale = at('Deployment', 'default', 'web', 'scale')
  const read = sure<Deployment>(await api.get(scale))
  t.match(read, {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    spec: { replicas: 1 },
    status: { selector: 'app=web' }
  })
  t.equal(read.metadata.resourceVersion, made.metadata.resourceVersion)
  t.equal(
    sure<Deployment>(await api.update(scale, { ...copy(read), spec: { replicas: 3 } })).spec.replicas,
    3
  )
  t.equal((await failure(api.update(scale, { ...copy(read), spec: { replicas: 4 } }))).code, 409)
  t.equal((await failure(api.patch(scale, 'merge', { spec: { replicas: -1 } }))).code, 422)
  const web = sure<Deployment>(await api.get(at('Deployment', 'default', 'web')))
  t.equal(web.spec.replicas, 3)
  t.equal(web.metadata.generation, 2)
})

t.test('a pod is bound once', async (t) => {
  const { api, at } = await fixture()
  await api.create(at('Pod', 'default'), pod('p'))
  const binding = at('Pod', 'default', 'p', 'binding')
  await api.create(binding, { target: { kind: 'Node', name: 'n1' } })
  const bound = sure<Pod>(await api.get(at('Pod', 'default', 'p')))
  t.equal(bound.spec.nodeName, 'n1')
  t.match(bound.status.conditions, [{ type: 'PodScheduled', status: 'True' }])
  t.equal(bound.metadata.generation, 1)
  const again = await failure(api.create(binding, { target: { name: 'n2' } }))
  t.equal(again.code, 409)
  t.match(again.message, /pod p is already assigned to node "n1"/)
  t.equal((await failure(api.create(binding, {}))).code, 422)
})

t.test('managers are recorded with every write', async (t) => {
  const { api, at } = await fixture()
  const x = at('ConfigMap', 'default', 'x')
  await api.create(at('ConfigMap', 'default'), configMap('x', { a: '1' }), { fieldManager: 'maker' })
  const patched = await api.patch(x, 'merge', { data: { b: '2' } }, { fieldManager: 'patcher' })
  t.same(patched.metadata.managedFields?.map((entry) => entry.manager).sort(), ['maker', 'patcher'])
  const cleared = await api.patch(
    x,
    'merge',
    { metadata: { managedFields: [{}] } },
    { fieldManager: 'patcher' }
  )
  t.notOk(cleared.metadata.managedFields?.some((entry) => entry.manager === 'maker'))
})
