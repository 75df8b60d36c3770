import type { StoreRecord } from './store.js'

/** One state of a key: a record, or its absence since a deletion. */
export interface Version {
  revision: number
  record: StoreRecord | undefined
}

/** A key and its versions that compaction has left, oldest first; never empty. */
export interface KeyHistory {
  readonly key: string
  readonly versions: Version[]
}

const maxChunk = 512

/**
 * Key histories sorted by key, in chunks, so that inserting into 100k keys moves a few hundred pointers and a prefix
 * is found by two binary searches.
 */
export class KeyIndex {
  readonly #byKey = new Map<string, KeyHistory>()
  #chunks: KeyHistory[][] = []

  get(key: string): KeyHistory | undefined {
    return this.#byKey.get(key)
  }

  /** The history of the key, made if there is none; the caller adds the version at once. */
  ensure(key: string): KeyHistory {
    let history = this.#byKey.get(key)
    if (history) return history
    history = { key, versions: [] }
    this.#byKey.set(key, history)
    this.#insert(history)
    return history
  }

  delete(key: string): void {
    if (!this.#byKey.delete(key)) return
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] ?? []
    chunk.splice(firstNotBelow(chunk, key), 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** Visits all keys from `start` on that have the prefix, in order. */
  forEach(prefix: string, start: string, visit: (history: KeyHistory) => void): void {
    const from = start > prefix ? start : prefix
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] ?? []
      // Keys with the prefix are neighbours, so the last key tells of the whole chunk.
      const isLast = !chunk.at(-1)?.key.startsWith(prefix)
      for (let i = firstNotBelow(chunk, from); i < chunk.length; i++) {
        const history = chunk[i]
        if (!history || (isLast && !history.key.startsWith(prefix))) break
        visit(history)
      }
      if (isLast && (chunk.at(-1)?.key ?? '') >= from) return
    }
  }

  #insert(history: KeyHistory): void {
    const at = this.#chunkOf(history.key)
    const chunk = this.#chunks[at]
    if (!chunk) {
      this.#chunks.push([history])
      return
    }
    chunk.splice(firstNotBelow(chunk, history.key), 0, history)
    if (chunk.length > maxChunk) this.#chunks.splice(at + 1, 0, chunk.splice(maxChunk / 2))
  }

  /** The last chunk whose first key is not above the key: where the key is or belongs. */
  #chunkOf(key: string): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#chunks[middle]?.[0]?.key ?? '') <= key) low = middle + 1
      else high = middle
    }
    return Math.max(low - 1, 0)
  }
}

function firstNotBelow(chunk: readonly KeyHistory[], key: string): number {
  let [low, high] = [0, chunk.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((chunk[middle]?.key ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
