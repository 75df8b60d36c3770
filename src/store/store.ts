/**
 * The store's contract: a revisioned key-value store (etcd's role). It knows keys, bytes and revisions, never kinds.
 *
 * - One global revision, a decimal integer that grows by one with each write.
 * - Reads are synchronous and come from memory; a read sees every acknowledged write.
 * - A write's promise resolves when the write is durable, and watchers hear of it no earlier.
 * - Old revisions stay readable (list at a revision, watch from a revision) until compacted.
 */
export interface StoreRecord {
  readonly key: string
  /** The object's JSON, serialised once, shared by all readers: never change it. */
  readonly value: Buffer
  /** Revision of the last change of the key. For a delete event: the revision of the deletion. */
  readonly modRevision: number
  readonly createRevision: number
  /** A place for the reader layer to keep what it derived from `value` (the parsed object). */
  memo?: unknown
}

export interface StoreEvent {
  readonly type: 'put' | 'delete'
  /** After a put: the new record. After a delete: key, last value encoded at the deletion's revision, that revision. */
  readonly record: StoreRecord
  /** What was there before, if anything. */
  readonly previous: StoreRecord | undefined
  readonly revision: number
}

export interface ListResult {
  records: StoreRecord[]
  /** The revision that the list is of. */
  revision: number
  /** How many records follow beyond `limit`. */
  remaining: number
}

/** Builds the value once the revision is known, so that the stored bytes hold their own resourceVersion. Must be pure. */
export type Encode = (revision: number) => Buffer

export interface StoreWatch {
  close(): void
}

export interface WatchSink {
  /** Events in revision order, in batches. Called outside of any write's call stack. */
  onEvents(events: readonly StoreEvent[]): void
  /** Every revision up to this one was delivered (for bookmarks), called on demand and after batches. */
  onProgress?(revision: number): void
  /** The watch ended from the store's side (closed store). */
  onEnd?(error?: Error): void
}

export interface Store {
  /** The newest durable revision. */
  readonly revision: number
  /** Reads below this revision fail with StoreError `compacted`. */
  readonly compactedRevision: number
  get(key: string): StoreRecord | undefined
  /** Sorted by key. `revision` lists as of then; `start` is an inclusive key to begin at. */
  list(options: { prefix: string; start?: string; limit?: number; revision?: number }): ListResult
  /** Fails with `exists` if the key is there. */
  create(key: string, encode: Encode): Promise<StoreRecord>
  /** Compare-and-swap: fails with `conflict` unless the record's modRevision is `expected`; with `missing` if gone. */
  update(key: string, expected: number, encode: Encode): Promise<StoreRecord>
  /** `encode` gives the last value as watchers will see it in the delete event. */
  delete(key: string, expected: number, encode: Encode): Promise<StoreRecord>
  /**
   * All changes of keys under `prefix` after `fromRevision` (exclusive): history first, then live, without a gap.
   * Throws `compacted` if history no longer reaches back, `future` if the revision was never given out.
   */
  watch(options: { prefix: string; fromRevision: number }, sink: WatchSink): StoreWatch
  /** Drops history below the revision. */
  compact(revision: number): Promise<void>
  close(): Promise<void>
}

export type StoreErrorCode =
  'exists' | 'conflict' | 'missing' | 'compacted' | 'future' | 'closed' | 'full' | 'corrupt'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /** For `conflict`: the record as it is now. */
  readonly current: StoreRecord | undefined
  constructor(
    code: StoreErrorCode,
    message: string,
    options: { current?: StoreRecord; cause?: unknown } = {}
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.current = options.current
  }
}

/** One change as a driver makes it durable. No value: the key is deleted. */
export interface DriverWrite {
  key: string
  value?: Buffer
  revision: number
  createRevision: number
}

/** What a durable log must do; everything else (MVCC, watches) is above it. */
export interface StoreDriver {
  /** All live records and the counters, once, at start. */
  load(): Promise<{ records: StoreRecord[]; revision: number }>
  /** Resolves when all are durable; atomic per call; calls are made in revision order and may be batched. */
  append(writes: readonly DriverWrite[]): Promise<void>
  close(): Promise<void>
}
