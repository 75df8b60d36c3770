import t from 'tap'
import type { Test } from 'tap'
import { configMaps as configMapKind } from '../../../src/api/kinds/config-maps.js'
import { secrets as secretKind } from '../../../src/api/kinds/secrets.js'
import type { ConfigMap } from '../../../src/api/types.js'
import { garbageCollector } from '../../../src/controllers/garbage-collector/garbage-collector.js'
import type { OwnerReference } from '../../../src/base/object.js'
import { isReason } from '../../../src/base/status.js'
import { startControllers } from '../../fixtures/control-plane.js'
import { eventually } from '../../fixtures/eventually.js'

const namespace = 'default'

async function setUp(t: Test) {
  const plane = await startControllers([garbageCollector])
  t.teardown(() => plane.stop())
  const maps = plane.client.of(configMapKind)
  const create = (name: string, owners: OwnerReference[] = []) =>
    maps.create({ metadata: { name, namespace, ownerReferences: owners } })
  const get = (name: string) =>
    maps.get({ namespace, name }).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined
      throw error
    })
  const remove = (name: string, propagationPolicy?: 'Orphan' | 'Background' | 'Foreground') =>
    maps.delete({ namespace, name }, { propagationPolicy })
  const gone = (...names: string[]) =>
    eventually(
      async () => (await Promise.all(names.map(get))).every((found) => found === undefined),
      `no ${names.join()}`
    )
  const quiet = () => eventually(() => plane.manager.idle, 'collector to be idle')
  return { ...plane, maps, create, get, remove, gone, quiet }
}

const ownedBy = (owner: ConfigMap, fields: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  ...fields
})

t.test('background: dependents go after their owner, over generations', async (t) => {
  const { create, remove, gone, get } = await setUp(t)
  const owner = await create('owner')
  const child = await create('child', [ownedBy(owner)])
  await create('grandchild', [ownedBy(child)])
  await create('other')
  await remove('owner', 'Background')
  await gone('owner', 'child', 'grandchild')
  t.ok(await get('other'))
})

t.test('an owner that was never there, or is another object of the name, counts as gone', async (t) => {
  const { create, gone } = await setUp(t)
  const owner = await create('owner')
  await create('child', [ownedBy(owner, { uid: 'b0b5ab13-0000-4000-8000-000000000000' })])
  await create('lost', [ownedBy(owner, { name: 'nobody', uid: 'b0b5ab13-0000-4000-8000-000000000001' })])
  await gone('child', 'lost')
})

t.test('a second living owner keeps the object, which loses the dead reference', async (t) => {
  const { create, remove, get, quiet } = await setUp(t)
  const one = await create('one')
  const two = await create('two')
  await create('child', [ownedBy(one), ownedBy(two)])
  await remove('one')
  await eventually(async () => (await get('child'))?.metadata.ownerReferences?.length === 1)
  t.equal((await get('child'))?.metadata.ownerReferences?.[0]?.uid, two.metadata.uid)
  await quiet()
  t.ok(await get('child'))
})

t.test('orphan: dependents stay, without the reference', async (t) => {
  const { create, remove, gone, get, quiet } = await setUp(t)
  const owner = await create('owner')
  await create('child', [ownedBy(owner)])
  await remove('owner', 'Orphan')
  await gone('owner')
  await quiet()
  t.same((await get('child'))?.metadata.ownerReferences ?? [], [])
})

t.test('foreground: the owner waits for dependents that block it', async (t) => {
  const { maps, create, remove, gone, get } = await setUp(t)
  const owner = await create('owner')
  await maps.create({
    metadata: {
      name: 'blocking',
      namespace,
      finalizers: ['example.com/hold'],
      ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })]
    }
  })
  await create('free', [ownedBy(owner)])
  await remove('owner', 'Foreground')
  await eventually(async () => (await get('blocking'))?.metadata.deletionTimestamp !== undefined)
  t.same((await get('owner'))?.metadata.finalizers, ['foregroundDeletion'])
  await maps.patch({ namespace, name: 'blocking' }, 'merge', { metadata: { finalizers: null } })
  await gone('owner', 'blocking', 'free')
})

t.test('foreground: owners in a cycle do not wait for ever', async (t) => {
  const { maps, create, remove, gone } = await setUp(t)
  const one = await create('one')
  const two = await create('two', [ownedBy(one, { blockOwnerDeletion: true })])
  await maps.patch(one.metadata, 'merge', {
    metadata: { ownerReferences: [ownedBy(two, { blockOwnerDeletion: true })] }
  })
  await remove('one', 'Foreground')
  await gone('one', 'two')
})

t.test('owners of kinds that are not served, and objects without owners, are left alone', async (t) => {
  const { client, create, get, quiet } = await setUp(t)
  const owner = await create('owner')
  await create('child', [ownedBy(owner, { apiVersion: 'example.com/v1', kind: 'Widget' })])
  await client.of(secretKind).create({ metadata: { name: 'plain', namespace } })
  await quiet()
  t.ok(await get('child'))
  t.ok(await client.of(secretKind).get({ namespace, name: 'plain' }))
})
