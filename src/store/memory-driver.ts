import type { StoreDriver, StoreRecord } from './store.js'

/** Keeps nothing beyond the process: for tests and simulated clusters. */
export function createMemoryDriver(): StoreDriver {
  const records = new Map<string, StoreRecord>()
  let revision = 0
  return {
    load: () => Promise.resolve({ records: [...records.values()], revision }),
    append: (writes) => {
      for (const { key, value, revision: modRevision, createRevision } of writes) {
        if (value) records.set(key, { key, value, modRevision, createRevision })
        else records.delete(key)
        revision = modRevision
      }
      return Promise.resolve()
    },
    close: () => Promise.resolve()
  }
}
