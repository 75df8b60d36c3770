import t from 'tap'
import { WorkQueue } from '../../src/reconcile/work-queue.js'
import { FakeClock } from '../fixtures/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  let ready = 0
  const queue = new WorkQueue({ clock, onReady: () => ready++, baseMs: 10, maxMs: 100 })
  return { clock, queue, ready: () => ready }
}

void t.test('a key is there once, and in order', (t) => {
  const { queue, ready } = setUp()
  for (const key of ['a', 'b', 'a']) queue.add(key)
  t.same([queue.take(), queue.take(), queue.take()], ['a', 'b', undefined])
  t.ok(ready() >= 2)
  t.end()
})

void t.test('a key being worked on comes again only when done', (t) => {
  const { queue } = setUp()
  queue.add('a')
  t.equal(queue.take(), 'a')
  queue.add('a')
  t.equal(queue.take(), undefined)
  t.equal(queue.idle, false)
  queue.done('a')
  t.equal(queue.take(), 'a')
  queue.done('a')
  t.equal(queue.take(), undefined)
  t.equal(queue.idle, true)
  t.end()
})

void t.test('the earliest of several delays wins', async (t) => {
  const { queue, clock } = setUp()
  queue.addAfter('a', 100)
  queue.addAfter('a', 50)
  queue.addAfter('a', 200)
  await clock.advance(49)
  t.equal(queue.take(), undefined)
  await clock.advance(1)
  t.equal(queue.take(), 'a')
  t.equal(clock.pending, 0)
  queue.addAfter('b', 0)
  t.equal(queue.take(), 'b')
})

void t.test('back-off grows to its limit until forgotten', async (t) => {
  const { queue, clock } = setUp()
  t.same(
    Array.from({ length: 5 }, () => queue.retry('a')),
    [10, 20, 40, 80, 100]
  )
  queue.forget('a')
  t.equal(queue.retry('a'), 10)
  queue.stop()
  t.equal(clock.pending, 0, 'no timer is left')
  queue.add('a')
  queue.addAfter('a', 1)
  t.equal(queue.take(), undefined)
  t.equal(clock.pending, 0)
})
