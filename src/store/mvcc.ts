import { KeyIndex, type KeyHistory, type Version } from './key-index.js'
import { StoreError, type ListResult, type StoreEvent, type StoreRecord } from './store.js'

/**
 * The state in memory: per key its versions, and all events since the compacted revision. Knows nothing of drivers
 * and watches. Revisions have no gaps, so an event's place in the log follows from its revision.
 */
export class Mvcc {
  readonly #index = new KeyIndex()
  #log: StoreEvent[] = []
  /** Events at the front of the log that are compacted; cut off now and then, not one by one. */
  #dropped = 0
  #historyBytes = 0
  #revision: number
  #compacted: number

  constructor(records: readonly StoreRecord[], revision: number) {
    for (const record of records) {
      this.#index.ensure(record.key).versions.push({ revision: record.modRevision, record })
    }
    this.#revision = revision
    this.#compacted = revision
  }

  get revision(): number {
    return this.#revision
  }

  get compactedRevision(): number {
    return this.#compacted
  }

  /** Size of the values that only the event log still needs or may need, in bytes. */
  get historyBytes(): number {
    return this.#historyBytes
  }

  get(key: string): StoreRecord | undefined {
    return this.#index.get(key)?.versions.at(-1)?.record
  }

  list(options: { prefix: string; start?: string; limit?: number; revision?: number }): ListResult {
    const { prefix, start = '', limit = Infinity, revision = this.#revision } = options
    this.#checkReadable(revision)
    const isHead = revision === this.#revision
    const records: StoreRecord[] = []
    let remaining = 0
    this.#index.forEach(prefix, start, ({ versions }) => {
      const record = isHead ? versions[versions.length - 1]?.record : versionAt(versions, revision)?.record
      if (!record) return
      if (records.length < limit) records.push(record)
      else remaining++
    })
    return { records, revision, remaining }
  }

  /** Events after the revision whose key has the prefix. */
  since(revision: number, prefix: string): StoreEvent[] {
    this.#checkReadable(revision)
    return this.#log.slice(this.#placeOf(revision + 1)).filter((event) => event.record.key.startsWith(prefix))
  }

  /** Takes in the next event; its revision follows the newest one. */
  apply(event: StoreEvent): void {
    const history = this.#index.ensure(event.record.key)
    history.versions.push({
      revision: event.revision,
      record: event.type === 'put' ? event.record : undefined
    })
    this.#log.push(event)
    this.#historyBytes += event.record.value.length
    this.#revision = event.revision
  }

  /** Forgets what only reads below the revision need. Lists at the revision itself and later stay exact. */
  compact(revision: number): void {
    if (revision > this.#revision) throw futureError(revision, this.#revision)
    const end = this.#placeOf(revision + 1)
    for (let i = this.#dropped; i < end; i++) {
      const event = this.#log[i]
      if (!event) continue
      this.#historyBytes -= event.record.value.length
      const history = this.#index.get(event.record.key)
      if (history) this.#prune(history, revision)
    }
    this.#dropped = Math.max(this.#dropped, end)
    this.#compacted = Math.max(this.#compacted, revision)
    if (this.#dropped > this.#log.length / 2) {
      this.#log = this.#log.slice(this.#dropped)
      this.#dropped = 0
    }
  }

  /** The revision to compact to so that the newest events of at most `bytes` stay. */
  revisionKeeping(bytes: number): number {
    let size = 0
    for (let i = this.#log.length - 1; i >= this.#dropped; i--) {
      const event = this.#log[i]
      size += event?.record.value.length ?? 0
      if (event && size > bytes) return event.revision
    }
    return this.#compacted
  }

  #prune({ key, versions }: KeyHistory, revision: number): void {
    let newest = -1
    while ((versions[newest + 1]?.revision ?? Infinity) <= revision) newest++
    // A deletion that is the newest state at the revision need not be remembered.
    if (newest >= 0 && versions[newest]?.record === undefined) newest++
    if (newest > 0) versions.splice(0, newest)
    if (versions.length === 0) this.#index.delete(key)
  }

  /** Where in the log the event of the revision is, or will be. */
  #placeOf(revision: number): number {
    return Math.max(this.#log.length - (this.#revision - revision) - 1, this.#dropped)
  }

  #checkReadable(revision: number): void {
    if (revision > this.#revision) throw futureError(revision, this.#revision)
    if (revision < this.#compacted) {
      throw new StoreError(
        'compacted',
        `revision ${String(revision)} is compacted; the oldest is ${String(this.#compacted)}`
      )
    }
  }
}

const futureError = (asked: number, newest: number): StoreError =>
  new StoreError('future', `revision ${String(asked)} was never given out; the newest is ${String(newest)}`)

function versionAt(versions: readonly Version[], revision: number): Version | undefined {
  return versions.findLast((version) => version.revision <= revision)
}
