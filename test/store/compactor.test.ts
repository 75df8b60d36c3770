import t from 'tap'
import { silentLogger } from '../../src/base/logger.js'
import { createStore } from '../../src/store/create-store.js'
import { createMemoryDriver } from '../../src/store/memory-driver.js'
import { codeOf, text } from './suite.js'

/** A clock that the test moves on; timers run in order of time. */
function handClock() {
  let now = 0
  let timers: { at: number; run: () => void }[] = []
  return {
    now: () => new Date(now),
    after: (delayMs: number, run: () => void) => {
      const timer = { at: now + delayMs, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance: (ms: number) => {
      const end = now + ms
      for (;;) {
        const [next] = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        timers = timers.filter((other) => other !== next)
        now = next.at
        next.run()
      }
      now = end
    },
    pending: () => timers.length
  }
}

void t.test('history stays for the time it is kept, and goes soon after', async (t) => {
  const clock = handClock()
  const minute = 60_000
  const store = await createStore({
    driver: createMemoryDriver(),
    logger: silentLogger,
    clock,
    history: { keepMs: 5 * minute }
  })
  await store.create('/a', text('1'))
  clock.advance(minute)
  await store.update('/a', 1, text('2'))
  clock.advance(4 * minute)
  t.equal(String(store.list({ prefix: '/', revision: 1 }).records[0]?.value), '1@1')
  clock.advance(2 * minute)
  t.equal(await codeOf(() => store.list({ prefix: '/', revision: 0 })), 'compacted')
  clock.advance(10 * minute)
  t.equal(await codeOf(() => store.list({ prefix: '/', revision: 1 })), 'compacted')
  t.equal(store.list({ prefix: '/', revision: 2 }).records.length, 1)
  await store.close()
  t.equal(clock.pending(), 0)
})

void t.test('history is bounded in size', async (t) => {
  const clock = handClock()
  const store = await createStore({
    driver: createMemoryDriver(),
    logger: silentLogger,
    clock,
    history: { maxBytes: 100_000 }
  })
  await store.create('/a', () => Buffer.alloc(1000))
  for (let i = 1; i < 500; i++) await store.update('/a', i, () => Buffer.alloc(1000))
  t.ok(store.compactedRevision >= 400 && store.compactedRevision <= 450, String(store.compactedRevision))
  t.equal(store.list({ prefix: '', revision: 480 }).records[0]?.modRevision, 480)
  await store.close()
})

void t.test('compact on request', async (t) => {
  const store = await createStore({ driver: createMemoryDriver(), logger: silentLogger, clock: handClock() })
  await store.create('/a', text('1'))
  await store.create('/b', text('1'))
  await store.compact(2)
  t.equal(store.compactedRevision, 2)
  t.equal(await codeOf(() => store.list({ prefix: '', revision: 1 })), 'compacted')
  t.equal(await codeOf(() => store.compact(3)), 'future')
  await store.close()
})
