import t from 'tap'
import { createLogger, silentLogger } from '../../src/base/logger.js'
import { createStore } from '../../src/store/create-store.js'
import { createMemoryDriver } from '../../src/store/memory-driver.js'
import type { Store, StoreEvent } from '../../src/store/store.js'
import { openStore, text, until } from './suite.js'

const keysOf = (events: readonly StoreEvent[]): string[] => events.map((e) => e.record.key)

async function filled(): Promise<Store> {
  const store = await openStore(createMemoryDriver())
  for (const key of ['/a/1', '/b/1', '/a/2']) await store.create(key, text('x'))
  return store
}

void t.test('history comes first, then live events, never inside a call', async (t) => {
  const store = await filled()
  const calls: string[] = []
  store.watch(
    { prefix: '/a/', fromRevision: 1 },
    {
      onEvents: (events) => calls.push(...keysOf(events)),
      onProgress: (revision) => calls.push(`to ${String(revision)}`)
    }
  )
  t.strictSame(calls, [])
  const writing = store.create('/a/3', text('x'))
  t.strictSame(calls, [])
  await writing
  await until(() => calls.at(-1) === 'to 4')
  t.strictSame(calls, ['/a/2', 'to 3', '/a/3', 'to 4'])
  await store.close()
})

void t.test('a sink may close its watch, write and watch', async (t) => {
  const store = await filled()
  const seen: string[] = []
  const watch = store.watch(
    { prefix: '/', fromRevision: 3 },
    {
      onEvents: (events) => {
        seen.push(...keysOf(events))
        watch.close()
        void store.create('/from-sink', text('x'))
        store.watch({ prefix: '/from', fromRevision: 3 }, { onEvents: (more) => seen.push(...keysOf(more)) })
      },
      onProgress: () => seen.push('progress')
    }
  )
  await until(() => seen.length === 1)
  seen.length = 0
  await store.create('/x', text('x'))
  await until(() => seen.length === 2)
  t.strictSame(seen, ['/x', '/from-sink'])
  await store.close()
})

void t.test('a sink that throws is dropped, the others go on', async (t) => {
  const lines: string[] = []
  const logger = createLogger({ write: (line) => lines.push(line) })
  const store = await createStore({
    driver: createMemoryDriver(),
    logger,
    clock: { now: () => new Date(0), after: () => () => {} }
  })
  let ended: Error | undefined
  const seen: string[] = []
  store.watch(
    { prefix: '/', fromRevision: 0 },
    {
      onEvents: () => {
        throw new Error('bad sink')
      },
      onEnd: (error) => {
        ended = error
      }
    }
  )
  store.watch({ prefix: '/', fromRevision: 0 }, { onEvents: (events) => seen.push(...keysOf(events)) })
  await store.create('/1', text('x'))
  await store.create('/2', text('x'))
  await until(() => seen.length === 2)
  t.match(ended, { message: 'bad sink' })
  t.equal(lines.length, 1)
  await store.close()
})

void t.test('idle watchers hear of progress now and then', async (t) => {
  const timers: (() => void)[] = []
  const clock = {
    now: () => new Date(0),
    after: (_: number, callback: () => void) => {
      timers.push(callback)
      return () => {}
    }
  }
  const store = await createStore({ driver: createMemoryDriver(), logger: silentLogger, clock })
  const progress: number[] = []
  store.watch(
    { prefix: '/other/', fromRevision: 0 },
    { onEvents: () => {}, onProgress: (revision) => progress.push(revision) }
  )
  await until(() => progress.length === 1)
  await store.create('/1', text('x'))
  await store.create('/2', text('x'))
  t.strictSame(progress, [0])
  timers.at(-1)?.()
  await until(() => progress.length === 2)
  t.strictSame(progress, [0, 2])
  await store.close()
})

void t.test('closing the store delivers what is acknowledged and ends watches', async (t) => {
  const store = await filled()
  const calls: string[] = []
  store.watch(
    { prefix: '/', fromRevision: 3 },
    {
      onEvents: (events) => calls.push(...keysOf(events)),
      onEnd: (error) => calls.push(`end ${String(error)}`)
    }
  )
  const writing = store.create('/last', text('x'))
  await store.close()
  await writing
  t.strictSame(calls, ['/last', 'end undefined'])
  t.equal(store.get('/last')?.modRevision, 4)
  await store.close()
})

void t.test('a revision from the future is refused', async (t) => {
  const store = await filled()
  t.throws(() => store.watch({ prefix: '/', fromRevision: 4 }, { onEvents: () => {} }), { code: 'future' })
  await store.close()
})
