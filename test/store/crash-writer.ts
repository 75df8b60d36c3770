import { writeSync } from 'node:fs'
import { createLmdbDriver } from '../../src/store/lmdb-driver.js'
import { openStore, text } from './suite.js'

/** Writes for ever in ten loops and prints each acknowledged write: `put key value` or `delete key`. Its parent kills it. */
const [path = '', run = ''] = process.argv.slice(2)
const store = await openStore(createLmdbDriver({ path }))
const acknowledge = (line: string): void => {
  writeSync(1, `${line}\n`)
}

async function writeForEver(loop: number): Promise<void> {
  for (let i = 0; ; i++) {
    const key = `/k/${String(loop)}/${String(i % 50)}`
    const current = store.get(key)
    if (current && i % 7 === 0) {
      await store.delete(key, current.modRevision, text(run))
      acknowledge(`delete ${key}`)
    } else {
      const { value } = await (current
        ? store.update(key, current.modRevision, text(run))
        : store.create(key, text(run)))
      acknowledge(`put ${key} ${String(value)}`)
    }
  }
}
await Promise.all(Array.from({ length: 10 }, (_, loop) => writeForEver(loop)))
