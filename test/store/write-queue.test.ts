import t from 'tap'
import { createMemoryDriver } from '../../src/store/memory-driver.js'
import { StoreError, type DriverWrite, type StoreDriver } from '../../src/store/store.js'
import { codeOf, openStore, text, until } from './suite.js'

/** A driver whose appends wait for the test: `settle` lets the oldest one succeed or fail. */
function heldDriver(): { driver: StoreDriver; appends: DriverWrite[][]; settle: (failure?: Error) => void } {
  const memory = createMemoryDriver()
  const appends: DriverWrite[][] = []
  const held: ((failure?: Error) => void)[] = []
  const driver: StoreDriver = {
    load: () => memory.load(),
    append: (writes) =>
      new Promise((resolve, reject) => {
        appends.push([...writes])
        held.push((failure) => {
          if (failure) reject(failure)
          else memory.append(writes).then(resolve, reject)
        })
      }),
    close: () => memory.close()
  }
  return { driver, appends, settle: (failure) => held.shift()?.(failure) }
}

void t.test('writers that come during a commit share the next one', async (t) => {
  const { driver, appends, settle } = heldDriver()
  const store = await openStore(driver)
  const writes = [store.create('/1', text('x')), store.create('/2', text('x'))]
  await until(() => appends.length === 1)
  writes.push(...['/3', '/4', '/5'].map((key) => store.create(key, text('x'))))
  t.equal(store.get('/1'), undefined, 'not visible before it is durable')
  settle()
  await until(() => appends.length === 2)
  settle()
  await Promise.all(writes)
  t.strictSame(
    appends.map((writes) => writes.map((w) => w.revision)),
    [
      [1, 2],
      [3, 4, 5]
    ]
  )
  await store.close()
})

void t.test('a failed commit leaves no trace and concerns only its own writers', async (t) => {
  const { driver, appends, settle } = heldDriver()
  const store = await openStore(driver)
  const events: number[] = []
  store.watch(
    { prefix: '/', fromRevision: 0 },
    { onEvents: (batch) => events.push(...batch.map((e) => e.revision)) }
  )
  const failing = Promise.all([
    codeOf(() => store.create('/1', text('x'))),
    codeOf(() => store.create('/2', text('x')))
  ])
  await until(() => appends.length === 1)
  const sameKey = store.create('/1', text('second'))
  const other = store.create('/3', text('x'))
  settle(new StoreError('full', 'no space left'))
  t.strictSame(await failing, ['full', 'full'])
  t.equal(store.revision, 0)
  t.strictSame(store.list({ prefix: '' }).records, [])
  await until(() => appends.length >= 2)
  settle()
  await until(() => appends.length >= 3 || store.revision === 2)
  settle()
  t.strictSame([(await other).modRevision, (await sameKey).modRevision].sort(), [1, 2])
  t.match(String(store.get('/1')?.value), /^second@/)
  await until(() => events.length === 2)
  t.strictSame(events, [1, 2])
  await store.close()
})

void t.test('a conflict is told when the write that caused it is durable, with its record', async (t) => {
  const { driver, appends, settle } = heldDriver()
  const store = await openStore(driver)
  const first = store.create('/a', text('1'))
  await until(() => appends.length === 1)
  let told = false
  const second = store.create('/a', text('2')).catch((error: unknown) => {
    told = true
    return error
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(told, false)
  settle()
  await first
  t.match(await second, { code: 'exists', current: { modRevision: 1 } })
  await store.close()
})

void t.test('an encoder that throws fails only its own write', async (t) => {
  const store = await openStore(createMemoryDriver())
  const bad = store.create('/bad', () => {
    throw new Error('cannot encode')
  })
  const good = store.create('/good', text('x'))
  await t.rejects(bad, { message: 'cannot encode' })
  t.equal((await good).modRevision, 1)
  t.equal((await store.create('/bad', text('x'))).modRevision, 2)
  await store.close()
})
