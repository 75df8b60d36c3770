import t from 'tap'
import type { Namespace } from '../../../src/api/types.js'
import type { KubeObject } from '../../../src/base/object.js'
import { failure, configMap, deployment, fixture, lines, sure, pod, record } from '../support.js'

const asObject = (value: unknown) => value as KubeObject

t.test('an object without ties goes at once', async (t) => {
  const { api, at } = await fixture()
  const made = await api.create(at('Deployment', 'default'), deployment('web'))
  t.match(await api.delete(at('Deployment', 'default', 'web')), {
    kind: 'Status',
    status: 'Success',
    details: { name: 'web', group: 'apps', kind: 'deployments', uid: made.metadata.uid }
  })
  t.equal((await failure(api.delete(at('Deployment', 'default', 'web')))).code, 404)
})

t.test('preconditions', async (t) => {
  const { api, at } = await fixture()
  const made = await api.create(at('ConfigMap', 'default'), configMap('x'))
  const x = at('ConfigMap', 'default', 'x')
  const uid = await failure(api.delete(x, { preconditions: { uid: 'other' } }))
  t.equal(uid.code, 409)
  t.match(
    uid.message,
    /^Operation cannot be fulfilled on configmaps "x": Precondition failed: UID in precondition: other/
  )
  t.equal((await failure(api.delete(x, { preconditions: { resourceVersion: '1' } }))).code, 409)
  t.equal((await failure(api.delete(x, { propagationPolicy: 'Nope' as never }))).code, 422)
  t.match(await api.delete(x, { dryRun: true }), { status: 'Success' })
  const { uid: own, resourceVersion } = made.metadata
  t.match(await api.delete(x, { preconditions: { uid: own, resourceVersion } }), { status: 'Success' })
})

t.test('finalizers hold an object until the last is gone', async (t) => {
  const { api, at } = await fixture()
  const x = at('ConfigMap', 'default', 'x')
  await api.create(at('ConfigMap', 'default'), configMap('x', {}, { finalizers: ['example.com/a'] }))
  const pending = asObject(await api.delete(x))
  t.ok(pending.metadata.deletionTimestamp)
  t.equal(pending.metadata.deletionGracePeriodSeconds, 0)
  const version = pending.metadata.resourceVersion
  t.equal(asObject(await api.delete(x)).metadata.resourceVersion, version, 'once more changes nothing')
  const more = await failure(
    api.patch(x, 'merge', { metadata: { finalizers: ['example.com/a', 'example.com/b'] } })
  )
  t.equal(more.code, 422)
  t.match(
    more.message,
    /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"example.com\/b"\}/
  )
  const watch = record(api, at('ConfigMap', 'default'), { resourceVersion: version })
  await api.patch(x, 'merge', { metadata: { finalizers: null } })
  t.same(lines(await watch.until(1)), ['DELETED x'])
  t.equal((await failure(api.get(x))).code, 404)
})

t.test('propagation is written down as a finalizer', async (t) => {
  const { api, at } = await fixture()
  for (const [propagationPolicy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan']
  ] as const) {
    const name = finalizer.toLowerCase()
    await api.create(at('Deployment', 'default'), deployment(name))
    const pending = asObject(await api.delete(at('Deployment', 'default', name), { propagationPolicy }))
    t.same(pending.metadata.finalizers, [finalizer])
  }
})

t.test('a pod gets time to stop, and less if asked again', async (t) => {
  const { api, at } = await fixture()
  const p = at('Pod', 'default', 'p')
  await api.create(at('Pod', 'default'), pod('p'))
  await api.create({ ...p, subresource: 'binding' }, { target: { name: 'n' } })
  const begun = asObject(await api.delete(p))
  t.equal(begun.metadata.deletionGracePeriodSeconds, 30)
  t.equal(begun.metadata.generation, 2)
  const longer = asObject(await api.delete(p, { gracePeriodSeconds: 60 }))
  t.equal(longer.metadata.deletionGracePeriodSeconds, 30)
  const shorter = asObject(await api.delete(p, { gracePeriodSeconds: 5 }))
  t.equal(shorter.metadata.deletionGracePeriodSeconds, 5)
  const at30 = Date.parse(begun.metadata.deletionTimestamp ?? '')
  t.equal(Date.parse(shorter.metadata.deletionTimestamp ?? ''), at30 - 25_000)
  t.equal(asObject(await api.delete(p, { gracePeriodSeconds: -1 })).metadata.deletionGracePeriodSeconds, 1)
  t.match(await api.delete(p, { gracePeriodSeconds: 0, preconditions: { uid: begun.metadata.uid } }), {
    status: 'Success'
  })
})

t.test('a pod that nobody runs goes at once', async (t) => {
  const { api, at } = await fixture()
  await api.create(at('Pod', 'default'), pod('p'))
  t.match(await api.delete(at('Pod', 'default', 'p')), { status: 'Success' })
})

t.test('a namespace terminates, takes nothing new and goes by finalize', async (t) => {
  const { api, at } = await fixture()
  const ns = at('Namespace', undefined, 'ns')
  await api.create(at('Namespace'), { metadata: { name: 'ns' } })
  const pending = sure<Namespace>(await api.delete(ns))
  t.equal(pending.status.phase, 'Terminating')
  t.same(pending.spec.finalizers, ['kubernetes'])
  const refused = await failure(api.create(at('ConfigMap', 'ns'), configMap('x')))
  t.equal(refused.code, 403)
  t.match(
    refused.message,
    /^configmaps "x" is forbidden: unable to create new content in namespace ns because it is being terminated$/
  )
  t.match(refused.status.details?.causes, [{ reason: 'NamespaceTerminating' }])
  await api.update(
    { ...ns, subresource: 'finalize' },
    { ...structuredClone(pending), spec: { finalizers: [] } }
  )
  t.equal((await failure(api.get(ns))).code, 404)
  const immortal = await failure(api.delete(at('Namespace', undefined, 'default')))
  t.equal(immortal.code, 403)
  t.equal(immortal.message, 'namespaces "default" is forbidden: this namespace may not be deleted')
})

t.test('a collection goes by selector and is returned', async (t) => {
  const { api, at } = await fixture()
  for (const name of ['a', 'b', 'c']) {
    await api.create(
      at('ConfigMap', 'default'),
      configMap(name, {}, { labels: { keep: String(name === 'b') } })
    )
  }
  const gone = await api.deleteCollection(at('ConfigMap', 'default'), { labelSelector: 'keep=false' })
  t.same(
    gone.items.map((item) => item.metadata.name),
    ['a', 'c']
  )
  t.same(
    (await api.list(at('ConfigMap', 'default'))).items.map((item) => item.metadata.name),
    ['b']
  )
})
