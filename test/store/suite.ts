import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import { createStore } from '../../src/store/create-store.js'
import {
  StoreError,
  type Encode,
  type Store,
  type StoreDriver,
  type StoreEvent
} from '../../src/store/store.js'

/** What a fixture needs of a test. */
interface Test {
  testdir: (content?: Record<string, string>) => string
}

export const text =
  (value: string): Encode =>
  (revision) =>
    Buffer.from(`${value}@${String(revision)}`)

export const openStore = (driver: StoreDriver): Promise<Store> =>
  createStore({ driver, logger: silentLogger, clock: systemClock })

export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
  return 'none'
}

/** Resolves when the condition holds, which is looked at on every turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

const shown = (events: readonly StoreEvent[]) =>
  events.map(
    (e) =>
      `${e.type} ${e.record.key} ${String(e.record.value)} was ${e.previous ? String(e.previous.value) : '-'}`
  )

/**
 * What every driver must let the store do. `makeDriver` gives a new driver each time over the same state, which
 * begins empty for each test.
 */
export function driverSuite(name: string, fixture: (t: Test) => () => StoreDriver): void {
  void t.test(`${name}: create, get, update, delete`, async (t) => {
    const store = await openStore(fixture(t)())
    t.equal(store.revision, 0)
    t.strictSame(await store.create('/a', text('one')), {
      key: '/a',
      value: Buffer.from('one@1'),
      modRevision: 1,
      createRevision: 1
    })
    t.equal(String((await store.update('/a', 1, text('two'))).value), 'two@2')
    t.match(store.get('/a'), { modRevision: 2, createRevision: 1 })
    t.equal(await codeOf(() => store.create('/a', text('x'))), 'exists')
    t.equal(await codeOf(() => store.update('/a', 1, text('x'))), 'conflict')
    t.equal(await codeOf(() => store.update('/b', 1, text('x'))), 'missing')
    t.equal(await codeOf(() => store.delete('/a', 1, text('x'))), 'conflict')
    t.equal(store.revision, 2)
    t.match(await store.delete('/a', 2, text('gone')), {
      modRevision: 3,
      createRevision: 1,
      value: Buffer.from('gone@3')
    })
    t.equal(store.get('/a'), undefined)
    t.equal(await codeOf(() => store.delete('/a', 3, text('x'))), 'missing')
    t.match(await store.create('/a', text('again')), { createRevision: 4 })
    await store.close()
    t.equal(await codeOf(() => store.create('/c', text('x'))), 'closed')
    t.equal(
      await codeOf(() => store.watch({ prefix: '', fromRevision: 4 }, { onEvents: () => {} })),
      'closed'
    )
  })

  void t.test(`${name}: what was acknowledged is there after reopening`, async (t) => {
    const makeDriver = fixture(t)
    const first = await openStore(makeDriver())
    await Promise.all(Array.from({ length: 50 }, (_, i) => first.create(`/k/${String(i)}`, text('x'))))
    await first.update('/k/7', first.get('/k/7')?.modRevision ?? 0, text('new'))
    await first.delete('/k/8', first.get('/k/8')?.modRevision ?? 0, text('gone'))
    const before = first.list({ prefix: '/' })
    await first.close()
    const second = await openStore(makeDriver())
    t.strictSame(second.list({ prefix: '/' }), before)
    t.equal(second.revision, 52)
    t.equal(second.compactedRevision, 52)
    t.equal(
      await codeOf(() => second.watch({ prefix: '/', fromRevision: 51 }, { onEvents: () => {} })),
      'compacted'
    )
    t.equal((await second.create('/z', text('x'))).modRevision, 53)
    await second.close()
  })

  void t.test(`${name}: compare-and-swap by 100 writers at once loses nothing`, async (t) => {
    const store = await openStore(fixture(t)())
    await store.create('/n', () => Buffer.from('0'))
    let conflicts = 0
    const increment = async (): Promise<void> => {
      for (;;) {
        const current = store.get('/n')
        const next = Number(current?.value) + 1
        const code = await codeOf(() =>
          store.update('/n', current?.modRevision ?? 0, () => Buffer.from(String(next)))
        )
        if (code === 'none') return
        t.equal(code, 'conflict')
        conflicts++
      }
    }
    await Promise.all(Array.from({ length: 100 }, increment))
    t.equal(String(store.get('/n')?.value), '100')
    t.equal(store.revision, 101)
    t.ok(conflicts > 0)
    await store.close()
  })

  void t.test(`${name}: of 100 creators of one key one wins`, async (t) => {
    const store = await openStore(fixture(t)())
    const codes = await Promise.all(
      Array.from({ length: 100 }, () => codeOf(() => store.create('/one', text('x'))))
    )
    t.equal(codes.filter((code) => code === 'none').length, 1)
    t.equal(codes.filter((code) => code === 'exists').length, 99)
    await store.close()
  })

  void t.test(`${name}: a watch has no gap while writers are at work`, async (t) => {
    const store = await openStore(fixture(t)())
    const seen: number[][] = []
    const startWatch = (fromRevision: number): void => {
      const revisions: number[] = [fromRevision]
      seen.push(revisions)
      store.watch(
        { prefix: '/w/', fromRevision },
        { onEvents: (events) => revisions.push(...events.map((e) => e.revision)) }
      )
    }
    startWatch(0)
    const writer = async (id: number): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        await store.create(`/w/${String(id)}/${String(i)}`, text('x'))
        startWatch(Math.floor(store.revision / 2))
      }
    }
    await Promise.all(Array.from({ length: 20 }, (_, id) => writer(id)))
    await until(() => seen.every((revisions) => revisions.at(-1) === 400))
    for (const revisions of seen) {
      const [from = 0] = revisions
      t.strictSame(
        revisions,
        Array.from({ length: 400 - from + 1 }, (_, i) => from + i)
      )
    }
    await store.close()
  })

  void t.test(`${name}: events carry what was and what is`, async (t) => {
    const store = await openStore(fixture(t)())
    const events: StoreEvent[] = []
    store.watch({ prefix: '/a', fromRevision: 0 }, { onEvents: (batch) => events.push(...batch) })
    await store.create('/a', text('1'))
    await store.create('/b', text('1'))
    await store.update('/a', 1, text('2'))
    await store.delete('/a', 3, text('2'))
    await until(() => events.length === 3)
    t.strictSame(shown(events), ['put /a 1@1 was -', 'put /a 2@3 was 1@1', 'delete /a 2@4 was 2@3'])
    await store.close()
  })
}
