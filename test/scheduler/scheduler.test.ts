import t from 'tap'
import type { Test } from 'tap'
import { events as eventKind } from '../../src/api/kinds/events.js'
import { nodes as nodeKind } from '../../src/api/kinds/nodes.js'
import { pods as podKind } from '../../src/api/kinds/pods.js'
import { priorityClasses } from '../../src/api/kinds/priority-classes.js'
import type { PodSpec } from '../../src/api/types.js'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import { createClient } from '../../src/client/client.js'
import { createInformerFactory } from '../../src/client/informer-factory.js'
import { createScheduler } from '../../src/scheduler/scheduler.js'
import { fixture } from '../apiserver/support.js'
import { node } from '../fixtures/control-plane.js'
import { eventually } from '../fixtures/eventually.js'
import { asking } from './fixtures.js'

const namespace = 'default'

async function setUp(t: Test) {
  const { api, store } = await fixture()
  const client = createClient(api)
  const options = { client, clock: systemClock, logger: silentLogger }
  const informers = createInformerFactory(options)
  const scheduler = createScheduler({ ...options, informers })
  await scheduler.start()
  t.teardown(async () => {
    await scheduler.stop()
    informers.stop()
    await store.close()
  })
  const create = (name: string, spec: Partial<PodSpec> = {}) =>
    client.of(podKind).create({
      metadata: { name, namespace, labels: { app: name } },
      spec: { containers: [{ name: 'c', image: 'app' }], ...spec }
    })
  const get = (name: string) => client.of(podKind).get({ namespace, name })
  const scheduled = async (name: string) =>
    (await get(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const addNode = (...args: Parameters<typeof node>) => client.of(nodeKind).create(node(...args))
  const nodeOf = async (name: string) => (await get(name)).spec.nodeName
  const messages = async (reason: string) =>
    (await client.of(eventKind).list({ namespace })).items
      .filter((event) => event.reason === reason)
      .map((event) => event.message)
  return { client, create, get, scheduled, addNode, nodeOf, messages }
}

t.test('binds a burst, spread over the nodes', async (t) => {
  const { client, create, addNode, messages } = await setUp(t)
  await addNode('a')
  await addNode('b')
  const names = Array.from({ length: 100 }, (_, i) => `p${String(i)}`)
  await Promise.all(names.map((name) => create(name, { containers: asking({ cpu: '10m', memory: '10Mi' }) })))
  await eventually(async () => {
    const { items } = await client.of(podKind).list({ namespace })
    return items.every(({ spec }) => spec.nodeName !== undefined)
  })
  const { items } = await client.of(podKind).list({ namespace, fieldSelector: 'spec.nodeName=a' })
  t.ok(items.length >= 45 && items.length <= 55, `${String(items.length)} of 100 on a`)
  t.equal(items[0]?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.status, 'True')
  await eventually(async () =>
    (await messages('Scheduled')).includes('Successfully assigned default/p0 to a')
  )
})

t.test('says why a pod is pending, and places it once it fits', async (t) => {
  const { create, addNode, nodeOf, scheduled, messages, client } = await setUp(t)
  await create('p', { containers: asking({ cpu: '8' }) })
  await eventually(async () => (await scheduled('p'))?.message === 'no nodes available to schedule pods')
  await addNode('small')
  const message =
    '0/1 nodes are available: 1 Insufficient cpu. ' +
    'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
  await eventually(async () => (await scheduled('p'))?.message === message)
  t.match(await scheduled('p'), { status: 'False', reason: 'Unschedulable' })
  await eventually(async () => (await messages('FailedScheduling')).includes(message))
  const small = await client.of(nodeKind).get({ name: 'small' })
  await client
    .of(nodeKind)
    .updateStatus({ ...small, status: { allocatable: { cpu: '16', memory: '8Gi', pods: '9' } } })
  await eventually(async () => (await nodeOf('p')) === 'small')
  t.equal((await scheduled('p'))?.status, 'True')
})

t.test('room left by a deleted pod is used', async (t) => {
  const { client, create, addNode, nodeOf, scheduled } = await setUp(t)
  await addNode('a', { status: { allocatable: { cpu: '4', memory: '8Gi', pods: '1' } } })
  await create('first')
  await eventually(async () => (await nodeOf('first')) === 'a')
  await create('second')
  await eventually(async () => (await scheduled('second'))?.reason === 'Unschedulable')
  await client.of(podKind).delete({ namespace, name: 'first' }, { gracePeriodSeconds: 0 })
  await eventually(async () => (await nodeOf('second')) === 'a')
})

t.test('gates, other schedulers and deleted pods', async (t) => {
  const { client, create, addNode, nodeOf, scheduled } = await setUp(t)
  await create('gated', { schedulingGates: [{ name: 'example.com/wait' }] })
  await create('foreign', { schedulerName: 'mine' })
  await create('gone')
  await client.of(podKind).delete({ namespace, name: 'gone' })
  await addNode('a')
  await create('last')
  await eventually(async () => (await nodeOf('last')) === 'a')
  t.equal(await nodeOf('gated'), undefined)
  t.equal(await nodeOf('foreign'), undefined)
  t.match(await scheduled('gated'), {
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates'
  })
  await client.of(podKind).patch({ namespace, name: 'gated' }, 'merge', { spec: { schedulingGates: [] } })
  await eventually(async () => (await nodeOf('gated')) === 'a')
})

t.test('preemption deletes the least important pod and places the other', async (t) => {
  const { client, create, get, addNode, nodeOf, messages } = await setUp(t)
  await client.of(priorityClasses).create({ metadata: { name: 'high' }, value: 1000 })
  await addNode('a', { status: { allocatable: { cpu: '2', memory: '8Gi', pods: '10' } } })
  const spec = (cpu: string) => ({ containers: asking({ cpu }), terminationGracePeriodSeconds: 0 })
  await create('victim', spec('2'))
  await eventually(async () => (await nodeOf('victim')) === 'a')
  const { uid } = await create('vip', { ...spec('1'), priorityClassName: 'high' }).then(
    ({ metadata }) => metadata
  )
  await eventually(async () => (await nodeOf('vip')) === 'a')
  await t.rejects(get('victim'), { message: 'pods "victim" not found' })
  await eventually(async () => (await messages('Preempted')).includes(`Preempted by pod ${uid} on node a`))
})

t.test('preemptionPolicy Never only waits', async (t) => {
  const { client, create, get, addNode, nodeOf, scheduled } = await setUp(t)
  await client.of(priorityClasses).create({ metadata: { name: 'meek' }, value: 9, preemptionPolicy: 'Never' })
  await addNode('a', { status: { allocatable: { cpu: '1', memory: '8Gi', pods: '10' } } })
  await create('x', { containers: asking({ cpu: '1' }) })
  await eventually(async () => (await nodeOf('x')) === 'a')
  await create('meek', { containers: asking({ cpu: '1' }), priorityClassName: 'meek' })
  await eventually(
    async () =>
      (await scheduled('meek'))?.message ===
      '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.'
  )
  t.equal((await get('x')).metadata.deletionTimestamp, undefined)
})
