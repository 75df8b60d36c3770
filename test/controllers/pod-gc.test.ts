import t from 'tap'
import { nodes as nodeKind } from '../../src/api/kinds/nodes.js'
import { pods as podKind } from '../../src/api/kinds/pods.js'
import { podGarbageCollector } from '../../src/controllers/pod-gc.js'
import { node, setReady, startControllers } from '../fixtures/control-plane.js'
import { FakeClock, settle } from '../fixtures/fake-clock.js'

const namespace = 'default'

t.test('pods of a node that is gone fail and go, after a while', async (t) => {
  const clock = new FakeClock()
  const plane = await startControllers([podGarbageCollector], clock)
  const { client, stop } = plane
  t.teardown(stop)
  const create = (name: string, nodeName: string) =>
    client.of(podKind).create({
      metadata: { name, namespace },
      spec: { nodeName, containers: [{ name: 'c', image: 'app' }] }
    })
  const names = async () =>
    (await client.of(podKind).list({ namespace })).items.map(({ metadata }) => metadata.name)
  await client.of(nodeKind).create(node('a'))
  await client.of(nodeKind).create(node('b'))
  await setReady(plane, await create('p', 'a'))
  await create('stays', 'b')
  await create('early', 'late')
  await settle()
  await client.of(nodeKind).delete({ name: 'a' })
  const phases: (string | undefined)[] = []
  const watch = client.of(podKind).watch(
    { namespace, resourceVersion: '0' },
    {
      onEvent: ({ type, object }) => {
        if (type === 'DELETED') phases.push(`${object.metadata.name} ${object.status?.phase ?? ''}`)
      },
      onEnd: () => {}
    }
  )
  await clock.advance(39_000)
  t.same(await names(), ['early', 'p', 'stays'])
  await client.of(nodeKind).create(node('late'))
  await clock.advance(1000)
  t.same(await names(), ['early', 'stays'])
  t.same(phases, ['p Failed'])
  watch.close()
})

t.test('idle without pods in trouble', async (t) => {
  const clock = new FakeClock()
  const { client, stop, timers } = await startControllers([podGarbageCollector], clock)
  t.teardown(stop)
  await client.of(nodeKind).create(node('a'))
  await client.of(podKind).create({
    metadata: { name: 'p', namespace },
    spec: { nodeName: 'a', containers: [{ name: 'c', image: 'app' }] }
  })
  await settle()
  t.equal(timers(), 0)
})
