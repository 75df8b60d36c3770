import t from 'tap'
import { configMaps as configMapKind } from '../../src/api/kinds/config-maps.js'
import { namespaces as namespaceKind } from '../../src/api/kinds/namespaces.js'
import { pods as podKind } from '../../src/api/kinds/pods.js'
import { serviceAccounts as serviceAccountKind } from '../../src/api/kinds/service-accounts.js'
import { isReason } from '../../src/base/status.js'
import { garbageCollector } from '../../src/controllers/garbage-collector/garbage-collector.js'
import { namespaceController } from '../../src/controllers/namespace.js'
import { rootCaPublisher } from '../../src/controllers/root-ca-publisher.js'
import { serviceAccountController } from '../../src/controllers/service-account.js'
import { startControllers } from '../fixtures/control-plane.js'
import { eventually } from '../fixtures/eventually.js'

const factories = [namespaceController, serviceAccountController, rootCaPublisher, garbageCollector]

t.test('a namespace gets its account and CA, and both come back', async (t) => {
  const { client, stop } = await startControllers(factories)
  t.teardown(stop)
  await client.of(namespaceKind).create({ metadata: { name: 'shop' }, spec: {} })
  const account = { namespace: 'shop', name: 'default' }
  const ca = { namespace: 'shop', name: 'kube-root-ca.crt' }
  await eventually(async () => Boolean(await client.of(serviceAccountKind).get(account)))
  await eventually(async () => (await client.of(configMapKind).get(ca)).data?.['ca.crt'] === 'PEM')
  const { uid } = (await client.of(serviceAccountKind).get(account)).metadata
  await client.of(serviceAccountKind).delete(account)
  await eventually(async () => (await client.of(serviceAccountKind).get(account)).metadata.uid !== uid)
  await client.of(configMapKind).patch(ca, 'merge', { data: { 'ca.crt': 'changed' } })
  await eventually(async () => (await client.of(configMapKind).get(ca)).data?.['ca.crt'] === 'PEM')
  await client.of(configMapKind).delete(ca)
  await eventually(async () => Boolean(await client.of(configMapKind).get(ca)))
})

t.test('deletion: pods first, then the rest, then the namespace', async (t) => {
  const { client, stop, manager } = await startControllers(factories)
  t.teardown(stop)
  const namespace = 'shop'
  await client.of(namespaceKind).create({ metadata: { name: namespace }, spec: {} })
  await eventually(async () =>
    Boolean(await client.of(serviceAccountKind).get({ namespace, name: 'default' }))
  )
  const held = { namespace, name: 'held' }
  await client.of(podKind).create({
    metadata: { ...held, finalizers: ['example.com/hold'] },
    spec: { containers: [{ name: 'c', image: 'app' }] }
  })
  await client.of(configMapKind).create({ metadata: { namespace, name: 'data' } })
  await client.of(namespaceKind).delete({ name: namespace })
  await eventually(async () => (await client.of(podKind).get(held)).metadata.deletionTimestamp !== undefined)
  await eventually(async () => {
    const { status } = await client.of(namespaceKind).get({ name: namespace })
    return status?.conditions?.find(({ type }) => type === 'NamespaceFinalizersRemaining')?.status === 'True'
  })
  await eventually(() => manager.idle)
  const { status } = await client.of(namespaceKind).get({ name: namespace })
  t.equal(status?.phase, 'Terminating')
  const message = (name: string) => status?.conditions?.find(({ type }) => type === name)?.message
  t.match(
    message('NamespaceContentRemaining'),
    /^Some resources are remaining: .*pods\. has 1 resource instances/
  )
  t.equal(
    message('NamespaceFinalizersRemaining'),
    'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances'
  )
  t.ok(await client.of(configMapKind).get({ namespace, name: 'data' }), 'the rest waits for the pods')
  await client.of(podKind).patch(held, 'merge', { metadata: { finalizers: null } })
  await eventually(async () => {
    try {
      await client.of(namespaceKind).get({ name: namespace })
      return false
    } catch (error) {
      return isReason(error, 'NotFound')
    }
  }, 'the namespace to be gone')
  const left = await client.of(configMapKind).list({ namespace })
  t.same(left.items, [])
})
