import {
  StoreError,
  type DriverWrite,
  type Encode,
  type StoreDriver,
  type StoreEvent,
  type StoreRecord
} from './store.js'

export interface WriteRequest {
  key: string
  type: StoreEvent['type']
  encode: Encode
  /** Decides on the newest durable state of the key; throws what the writer is to get. */
  check: (current: StoreRecord | undefined) => void
}

interface Write extends WriteRequest {
  resolve: (record: StoreRecord) => void
  reject: (error: unknown) => void
}

/** What the queue needs of the state in memory. */
interface State {
  readonly revision: number
  get(key: string): StoreRecord | undefined
}

/**
 * Group commit. Writers that come while a commit is under way share the next one. A key has at most one write that is
 * accepted but not yet durable; further writers of the key wait for its outcome and are then checked against what
 * became durable. So no check relies on a write that may still fail, and revisions are given out only when a commit
 * begins: a failed commit leaves no gap and concerns only its own writers.
 */
export class WriteQueue {
  readonly #driver: StoreDriver
  readonly #state: State
  readonly #onCommit: (events: readonly StoreEvent[]) => void
  readonly #inFlight = new Map<string, Promise<void>>()
  #waiting: Write[] = []
  #committing: Promise<void> | undefined
  #closed = false

  constructor(options: {
    driver: StoreDriver
    state: State
    onCommit: (events: readonly StoreEvent[]) => void
  }) {
    this.#driver = options.driver
    this.#state = options.state
    this.#onCommit = options.onCommit
  }

  async write(request: WriteRequest): Promise<StoreRecord> {
    for (let earlier = this.#inFlight.get(request.key); earlier; earlier = this.#inFlight.get(request.key))
      await earlier
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
    request.check(this.#state.get(request.key))
    const written = new Promise<StoreRecord>((resolve, reject) => {
      this.#waiting.push({ ...request, resolve, reject })
    })
    const settled = written.then(
      () => {},
      () => {}
    )
    this.#inFlight.set(request.key, settled)
    this.#committing ??= this.#commitAll()
    return written
  }

  /** Refuses new writes; resolves when the accepted ones are settled. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#committing
  }

  async #commitAll(): Promise<void> {
    // Leaves the first writer's turn, so that all who write in it share the commit.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const writes = this.#waiting
      this.#waiting = []
      await this.#commit(writes)
    }
    this.#committing = undefined
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    const accepted: { write: Write; event: StoreEvent }[] = []
    for (const write of writes) {
      try {
        accepted.push({ write, event: this.#eventOf(write, this.#state.revision + accepted.length + 1) })
      } catch (error) {
        this.#inFlight.delete(write.key)
        write.reject(error)
      }
    }
    if (accepted.length === 0) return
    const failure = await this.#append(accepted.map(({ event }) => event))
    for (const { write } of accepted) this.#inFlight.delete(write.key)
    if (failure === undefined) this.#onCommit(accepted.map(({ event }) => event))
    for (const { write, event } of accepted) {
      if (failure === undefined) write.resolve(event.record)
      else write.reject(failure)
    }
  }

  async #append(events: readonly StoreEvent[]): Promise<Error | undefined> {
    try {
      await this.#driver.append(events.map(driverWriteOf))
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #eventOf({ key, type, encode }: Write, revision: number): StoreEvent {
    const previous = this.#state.get(key)
    const createRevision = previous?.createRevision ?? revision
    const record: StoreRecord = { key, value: encode(revision), modRevision: revision, createRevision }
    return { type, record, previous, revision }
  }
}

function driverWriteOf({ type, record, revision }: StoreEvent): DriverWrite {
  const { key, value, createRevision } = record
  return type === 'put' ? { key, value, revision, createRevision } : { key, revision, createRevision }
}
