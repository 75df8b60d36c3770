import t from 'tap'
import { SchedulingQueue } from '../../src/scheduler/scheduling-queue.js'
import { FakeClock } from '../fixtures/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const queue = new SchedulingQueue({ clock, onReady: () => {} })
  const all = () => {
    const keys: string[] = []
    for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key)
    return keys
  }
  return { clock, queue, all }
}

t.test('the most important first, then in order', (t) => {
  const { queue, all } = setUp()
  queue.add('a', 0)
  queue.add('b', 10)
  queue.add('c', 0)
  queue.add('d', -5)
  queue.add('a', 0)
  t.same(all(), ['b', 'c', 'a', 'd'])
  queue.add('a', 0)
  queue.add('a', 7)
  queue.remove('a')
  t.same(all(), [])
  t.end()
})

t.test('an unschedulable pod waits for a change that helps, and for its back-off', async (t) => {
  const { queue, clock, all } = setUp()
  queue.add('a', 0)
  queue.take()
  queue.unschedulable('a', new Set(['NodePorts']))
  t.equal(clock.pending, 0, 'no timer while nothing changes')
  queue.moved((plugin) => plugin === 'NodeAffinity')
  await clock.advance(60_000)
  t.same(all(), [])
  queue.moved((plugin) => plugin === 'NodePorts')
  t.same(all(), ['a'], 'its back-off is long over')
  queue.unschedulable('a', new Set(['NodePorts']))
  queue.moved(() => true)
  t.same(all(), [])
  await clock.advance(1999)
  t.same(all(), [])
  await clock.advance(1)
  t.same(all(), ['a'])
  queue.unschedulable('a', new Set())
  queue.add('a', 0)
  t.same(all(), ['a'], 'a change of its own is tried at once')
})

t.test('retry backs off up to 10 s; a removed pod does not come back', async (t) => {
  const { queue, clock, all } = setUp()
  queue.add('a', 0)
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    t.same(all(), ['a'])
    queue.retry('a')
    await clock.advance(seconds * 1000 - 1)
    t.same(all(), [])
    await clock.advance(1)
  }
  t.same(all(), ['a'])
  queue.retry('a')
  queue.remove('a')
  t.equal(clock.pending, 0)
  queue.unschedulable('a', new Set())
  queue.moved(() => true)
  t.same(all(), [])
})
