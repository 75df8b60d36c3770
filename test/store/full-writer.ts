import { createLmdbDriver } from '../../src/store/lmdb-driver.js'
import { StoreError } from '../../src/store/store.js'
import { openStore, text } from './suite.js'

/** Fills the space that its parent has limited, and prints how the store bears it. */
const path = process.argv[2] ?? ''
const store = await openStore(createLmdbDriver({ path }))
let count = 0
try {
  for (;;) {
    await store.create(`/big/${String(count)}`, () => Buffer.alloc(100_000))
    count++
  }
} catch (error) {
  console.log(count)
  console.log(error instanceof StoreError ? error.code : error)
}
console.log(
  'failed write invisible:',
  store.get(`/big/${String(count)}`) === undefined && store.revision === count
)
console.log('reads:', store.list({ prefix: '/big/' }).records.length === count)
for (const key of ['/big/0', '/big/1']) await store.delete(key, store.get(key)?.modRevision ?? 0, text('x'))
const after = await store.create('/after', text('x'))
console.log('usable:', after.modRevision === count + 3)
await store.close()
