import t from 'tap'
import { createLogger } from '../../src/base/logger.js'
import { statusErrors } from '../../src/base/status.js'
import { TerminalError, Worker } from '../../src/reconcile/worker.js'
import type { Reconcile } from '../../src/reconcile/worker.js'
import { FakeClock, settle } from '../fixtures/fake-clock.js'

function setUp(reconcile: Reconcile, concurrency = 2) {
  const clock = new FakeClock()
  const log: { level: string; message: string }[] = []
  const logger = createLogger({ write: (line) => log.push(JSON.parse(line) as never), level: 'debug' })
  const worker = new Worker({ name: 'test', reconcile, concurrency, clock, logger })
  return { clock, log, worker }
}

void t.test('waits for start, merges keys, keeps to its concurrency', async (t) => {
  const calls: string[] = []
  const open: (() => void)[] = []
  const { worker } = setUp(async (key) => {
    calls.push(key)
    await new Promise<void>((resolve) => open.push(resolve))
    return undefined
  })
  for (const key of ['a', 'b', 'c', 'a']) worker.queue.add(key)
  await settle()
  t.same(calls, [])
  worker.start()
  worker.start()
  await settle()
  t.same(calls, ['a', 'b'])
  worker.queue.add('a')
  open.shift()?.()
  await settle()
  t.same(calls, ['a', 'b', 'c'], 'a is behind c')
  open.shift()?.()
  await settle()
  t.same(calls, ['a', 'b', 'c', 'a'])
  let stopped = false
  const stop = worker.stop().then(() => (stopped = true))
  worker.queue.add('d')
  await settle()
  t.equal(stopped, false, 'waits for what runs')
  for (const go of open) go()
  await stop
  t.same(calls, ['a', 'b', 'c', 'a'])
})

void t.test('the four outcomes', async (t) => {
  const outcomes: (() => Promise<{ requeueAfterMs: number } | undefined>)[] = []
  let calls = 0
  const { worker, clock, log } = setUp(() => {
    calls++
    return outcomes.shift()?.() ?? Promise.resolve(undefined)
  })
  worker.start()
  outcomes.push(() => Promise.reject(new Error('no')))
  outcomes.push(() => Promise.reject(statusErrors.modified({ group: '', plural: 'pods' }, 'p')))
  worker.queue.add('a')
  await settle()
  t.equal(calls, 1)
  await clock.advance(5)
  t.equal(calls, 2)
  t.same(
    log.map(({ level }) => level),
    ['warn', 'debug'],
    'a conflict is no warning'
  )
  await clock.advance(10)
  t.equal(calls, 3)
  t.equal(clock.pending, 0, 'idle')

  outcomes.push(() => Promise.resolve({ requeueAfterMs: 1000 }))
  worker.queue.add('a')
  await clock.advance(999)
  t.equal(calls, 4)
  await clock.advance(1)
  t.equal(calls, 5)

  outcomes.push(() => Promise.reject(new TerminalError('never')))
  worker.queue.add('a')
  await clock.advance(100_000)
  t.equal(calls, 6)
  await worker.stop()
})
