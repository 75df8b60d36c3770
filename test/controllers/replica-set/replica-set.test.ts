import t from 'tap'
import type { Test } from 'tap'
import { events as eventKind } from '../../../src/api/kinds/events.js'
import { pods as podKind } from '../../../src/api/kinds/pods.js'
import { replicaSets as replicaSetKind } from '../../../src/api/kinds/replica-sets.js'
import { serviceAccounts as serviceAccountKind } from '../../../src/api/kinds/service-accounts.js'
import { replicaSetController } from '../../../src/controllers/replica-set/replica-set.js'
import { controllerOf } from '../../../src/controllers/support/owners.js'
import { playKubelet, startControllers } from '../../fixtures/control-plane.js'
import { eventually } from '../../fixtures/eventually.js'

const namespace = 'default'
const key = { namespace, name: 'web' }

async function setUp(t: Test) {
  const plane = await startControllers([replicaSetController])
  const stopKubelet = playKubelet(plane)
  t.teardown(async () => {
    stopKubelet()
    await plane.stop()
  })
  const { client } = plane
  const create = (replicas: number) =>
    client.of(replicaSetKind).create({
      metadata: { ...key },
      spec: {
        replicas,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'c', image: 'app' }] }
        }
      }
    })
  const scale = (replicas: number) => client.of(replicaSetKind).patch(key, 'merge', { spec: { replicas } })
  const pods = async () => (await client.of(podKind).list({ namespace })).items
  const status = async () => (await client.of(replicaSetKind).get(key)).status
  const pod = (name: string, labels: Record<string, string>) =>
    client.of(podKind).create({
      metadata: { name, namespace, labels },
      spec: { containers: [{ name: 'c', image: 'app' }] }
    })
  return { ...plane, create, scale, pods, status, pod }
}

t.test('creates exactly what is asked for, and reports it', async (t) => {
  const { create, scale, pods, status, client, manager } = await setUp(t)
  const most = { pods: 0 }
  const watch = client.of(podKind).watch(
    { namespace, resourceVersion: '0' },
    {
      onEvent: () => {
        void pods().then((all) => (most.pods = Math.max(most.pods, all.length)))
      },
      onEnd: () => {}
    }
  )
  await create(20)
  await eventually(async () => (await status())?.availableReplicas === 20)
  await eventually(() => manager.idle)
  t.equal(most.pods, 20, 'never one too many')
  t.match(await status(), {
    replicas: 20,
    fullyLabeledReplicas: 20,
    readyReplicas: 20,
    observedGeneration: 1
  })
  await scale(3)
  await eventually(async () => (await pods()).length === 3)
  await eventually(async () => (await status())?.replicas === 3)
  await eventually(() => manager.idle)
  t.equal((await pods()).length, 3, 'never one too few')
  watch.close()
})

t.test('adopts matching orphans, releases what no longer matches', async (t) => {
  const { client, create, pods, pod } = await setUp(t)
  await pod('mine', { app: 'web' })
  await pod('other', { app: 'other' })
  const set = await create(2)
  await eventually(async () => (await pods()).filter((found) => controllerOf(found)).length === 2)
  const mine = await client.of(podKind).get({ namespace, name: 'mine' })
  t.same(mine.metadata.ownerReferences, [
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: set.metadata.uid,
      controller: true,
      blockOwnerDeletion: true
    }
  ])
  await client.of(podKind).patch(mine.metadata, 'merge', { metadata: { labels: { app: 'debug' } } })
  await eventually(async () => {
    const released = await client.of(podKind).get({ namespace, name: 'mine' })
    return controllerOf(released) === undefined
  })
  await eventually(
    async () => (await pods()).filter((found) => controllerOf(found)).length === 2,
    'its replacement'
  )
})

t.test('says why pods cannot be created, and goes on when they can', async (t) => {
  const { client, create, status } = await setUp(t)
  await client.of(serviceAccountKind).delete({ namespace, name: 'default' })
  await create(2)
  const failure = async () => (await status())?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  await eventually(async () => (await failure())?.status === 'True')
  t.match(await failure(), { reason: 'FailedCreate', message: /service account/ })
  await eventually(async () =>
    (await client.of(eventKind).list({ namespace })).items.some(
      ({ reason, message }) => reason === 'FailedCreate' && message?.startsWith('Error creating: pods "web-')
    )
  )
  await client.of(serviceAccountKind).create({ metadata: { name: 'default', namespace } })
  await eventually(async () => (await status())?.readyReplicas === 2)
  t.equal(await failure(), undefined)
})

t.test('failed pods are replaced and stay', async (t) => {
  const { client, create, pods, status } = await setUp(t)
  await create(1)
  await eventually(async () => (await status())?.readyReplicas === 1)
  const [pod] = await pods()
  if (!pod) throw new Error('no pod')
  await client
    .of(podKind)
    .patchStatus(pod.metadata, 'merge', { status: { phase: 'Failed', conditions: null } })
  await eventually(async () => (await pods()).length === 2)
  await eventually(async () => (await status())?.readyReplicas === 1)
})
