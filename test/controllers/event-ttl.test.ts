import t from 'tap'
import { events as eventKind } from '../../src/api/kinds/events.js'
import { toTime } from '../../src/base/clock.js'
import { eventTtlController } from '../../src/controllers/event-ttl.js'
import { startControllers } from '../fixtures/control-plane.js'
import { FakeClock, settle } from '../fixtures/fake-clock.js'

t.test('events go an hour after their last occurrence, with one timer for all', async (t) => {
  const clock = new FakeClock()
  const { client, stop, timers } = await startControllers([eventTtlController], clock)
  t.teardown(stop)
  const namespace = 'default'
  const create = (name: string) =>
    client.of(eventKind).create({
      metadata: { name, namespace },
      involvedObject: { kind: 'Pod', name: 'p', namespace },
      lastTimestamp: toTime(clock.now())
    })
  const names = async () =>
    (await client.of(eventKind).list({ namespace })).items.map(({ metadata }) => metadata.name)
  await create('a')
  await clock.advance(60_000)
  await create('b')
  await create('c')
  await settle()
  t.equal(timers(), 1)
  await clock.advance(30 * 60_000)
  await client
    .of(eventKind)
    .patch({ namespace, name: 'c' }, 'merge', { count: 2, lastTimestamp: toTime(clock.now()) })
  await clock.advance(29 * 60_000)
  t.same(await names(), ['b', 'c'])
  await clock.advance(60_000)
  t.same(await names(), ['c'])
  await clock.advance(30 * 60_000)
  t.same(await names(), [])
  t.equal(timers(), 0)
})
