import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { Compactor, type HistoryLimits } from './compactor.js'
import { Mvcc } from './mvcc.js'
import { StoreError, type Store, type StoreDriver, type StoreRecord } from './store.js'
import { WatchHub } from './watch-hub.js'
import { WriteQueue } from './write-queue.js'

function mustBe(key: string, current: StoreRecord | undefined, expected: number): void {
  if (!current) throw new StoreError('missing', `key ${key} does not exist`)
  if (current.modRevision === expected) return
  const found = String(current.modRevision)
  throw new StoreError('conflict', `key ${key} is at revision ${found}, not ${String(expected)}`, { current })
}

/**
 * Opens a store over a driver. Reads see exactly the durable writes. History older than the limits is dropped by
 * itself; a store that was just opened has none, so watches from before must list again.
 * Fails with StoreError `corrupt` if the driver can't read its state.
 */
export async function createStore(options: {
  driver: StoreDriver
  logger: Logger
  clock: Clock
  history?: HistoryLimits
}): Promise<Store> {
  const { driver, logger, clock, history = {} } = options
  const loaded = await driver.load()
  const state = new Mvcc(loaded.records, loaded.revision)
  const hub = new WatchHub({ logger, clock, revision: loaded.revision })
  const compactor = new Compactor({ target: state, clock, limits: history })
  const queue = new WriteQueue({
    driver,
    state,
    onCommit: (events) => {
      for (const event of events) state.apply(event)
      hub.publish(events)
      compactor.afterWrites()
    }
  })
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    compactor.stop()
    await queue.close()
    hub.close()
    await driver.close()
  }
  return {
    get revision() {
      return state.revision
    },
    get compactedRevision() {
      return state.compactedRevision
    },
    get: (key) => state.get(key),
    list: (listOptions) => state.list(listOptions),
    create: (key, encode) =>
      queue.write({
        key,
        type: 'put',
        encode,
        check: (current) => {
          if (current) throw new StoreError('exists', `key ${key} exists already`, { current })
        }
      }),
    update: (key, expected, encode) =>
      queue.write({
        key,
        type: 'put',
        encode,
        check: (current) => {
          mustBe(key, current, expected)
        }
      }),
    delete: (key, expected, encode) =>
      queue.write({
        key,
        type: 'delete',
        encode,
        check: (current) => {
          mustBe(key, current, expected)
        }
      }),
    watch: ({ prefix, fromRevision }, sink) => {
      if (closed) throw new StoreError('closed', 'the store is closed')
      return hub.add(prefix, state.since(fromRevision, prefix), sink)
    },
    compact: (revision) =>
      Promise.resolve().then(() => {
        state.compact(revision)
      }),
    close: () => (closed ??= close())
  }
}
