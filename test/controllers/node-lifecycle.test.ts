import t from 'tap'
import type { Test } from 'tap'
import { leases as leaseKind } from '../../src/api/kinds/leases.js'
import { namespaces as namespaceKind } from '../../src/api/kinds/namespaces.js'
import { nodes as nodeKind } from '../../src/api/kinds/nodes.js'
import { pods as podKind } from '../../src/api/kinds/pods.js'
import { toMicroTime, toTime } from '../../src/base/clock.js'
import { nodeLifecycleController } from '../../src/controllers/node-lifecycle.js'
import { taintEvictionController } from '../../src/controllers/taint-eviction.js'
import { retryOnConflict } from '../../src/client/retry.js'
import { systemClock } from '../../src/base/clock.js'
import { node, setReady, startControllers } from '../fixtures/control-plane.js'
import { FakeClock, settle } from '../fixtures/fake-clock.js'

const namespace = 'kube-node-lease'

async function setUp(t: Test) {
  const clock = new FakeClock()
  const plane = await startControllers([nodeLifecycleController, taintEvictionController], clock)
  t.teardown(() => plane.stop())
  const { client } = plane
  await client.of(namespaceKind).create({ metadata: { name: namespace }, spec: {} })
  await client.of(nodeKind).create(node('a'))
  await client.of(leaseKind).create({ metadata: { name: 'a', namespace }, spec: { holderIdentity: 'a' } })
  const beat = () =>
    client
      .of(leaseKind)
      .patch({ namespace, name: 'a' }, 'merge', { spec: { renewTime: toMicroTime(clock.now()) } })
  const report = (status: string) =>
    retryOnConflict(systemClock, async () => {
      const current = await client.of(nodeKind).get({ name: 'a' })
      const now = toTime(clock.now())
      const condition = { type: 'Ready', status, lastHeartbeatTime: now, lastTransitionTime: now }
      await client
        .of(nodeKind)
        .updateStatus({ ...current, status: { ...current.status, conditions: [condition] } })
    })
  const get = () => client.of(nodeKind).get({ name: 'a' })
  const ready = async () => (await get()).status?.conditions?.find(({ type }) => type === 'Ready')
  const taints = async () =>
    ((await get()).spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort()
  await report('True')
  await beat()
  await settle()
  return { ...plane, clock, beat, report, get, ready, taints }
}

const unreachable = ['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule']

/** Time passing as a running process sees it. */
async function pass(clock: FakeClock, seconds: number, each?: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < seconds; i += 10) {
    await clock.advance(Math.min(10, seconds - i) * 1000)
    await each?.()
  }
}

t.test('a node that renews its lease stays ready; one that stops is unreachable after 40 s', async (t) => {
  const { clock, beat, ready, taints, report } = await setUp(t)
  await pass(clock, 300, beat)
  t.equal((await ready())?.status, 'True')
  t.same(await taints(), [])
  await pass(clock, 50)
  t.match(await ready(), {
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.'
  })
  t.same(await taints(), unreachable)
  await report('True')
  await settle()
  t.same(await taints(), [])
  await pass(clock, 50)
  t.same(await taints(), unreachable)
})

t.test('nothing happens when everything stood still: the host slept', async (t) => {
  const { clock, ready, taints, beat } = await setUp(t)
  await pass(clock, 30, beat)
  clock.jump(8 * 3600_000)
  await clock.advance(10_000)
  t.equal((await ready())?.status, 'True')
  t.same(await taints(), [])
  await pass(clock, 30, beat)
  t.equal((await ready())?.status, 'True')
})

t.test('taints follow conditions, and leave those of others alone', async (t) => {
  const { client, report, get, taints } = await setUp(t)
  const current = await get()
  const own = { key: 'example.com/own', effect: 'NoSchedule' }
  await client.of(nodeKind).update({ ...current, spec: { taints: [own], unschedulable: true } })
  await settle()
  t.same(await taints(), ['example.com/own:NoSchedule', 'node.kubernetes.io/unschedulable:NoSchedule'])
  await report('False')
  await settle()
  t.same(await taints(), [
    'example.com/own:NoSchedule',
    'node.kubernetes.io/not-ready:NoExecute',
    'node.kubernetes.io/not-ready:NoSchedule',
    'node.kubernetes.io/unschedulable:NoSchedule'
  ])
})

t.test('pods of a lost node are taken out of service, then evicted when their toleration ends', async (t) => {
  const plane = await setUp(t)
  const { client, clock, report } = plane
  const key = { namespace: 'default', name: 'p' }
  const create = (name: string, tolerations: object[]) =>
    client.of(podKind).create({
      metadata: { name, namespace: 'default' },
      spec: { nodeName: 'a', containers: [{ name: 'c', image: 'app' }], tolerations }
    })
  const toleration = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' }
  const pod = await create('p', [{ ...toleration, tolerationSeconds: 60 }])
  await create('forever', [toleration])
  await setReady({ client, clock }, pod)
  const get = () => client.of(podKind).get(key)
  await pass(clock, 50)
  t.equal((await get()).status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'False')
  t.equal((await get()).metadata.deletionTimestamp, undefined)
  await report('True')
  await settle()
  await pass(clock, 30)
  t.equal((await get()).metadata.deletionTimestamp, undefined, 'the node came back in time')
  await pass(clock, 80)
  const evicted = await get()
  t.ok(evicted.metadata.deletionTimestamp)
  t.match(
    evicted.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    {
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint'
    }
  )
  t.equal((await client.of(podKind).get({ ...key, name: 'forever' })).metadata.deletionTimestamp, undefined)
})
