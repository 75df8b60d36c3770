import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { StoreEvent, StoreWatch, WatchSink } from './store.js'

interface Watcher {
  readonly prefix: string
  readonly sink: WatchSink
  queue: StoreEvent[]
  /** Every revision up to this one is in the queue or delivered. */
  reached: number
  closed: boolean
}

/** How often watchers that no event concerned hear how far the store is, for their bookmarks. */
const idleProgressMs = 1000

/**
 * Hands events to watchers: each has a queue that starts with its history, and all queues are drained in a microtask
 * of their own, so a sink never runs inside a write, and may itself write, watch and close watches.
 */
export class WatchHub {
  readonly #byPrefix = new Map<string, Set<Watcher>>()
  readonly #dirty = new Set<Watcher>()
  readonly #logger: Logger
  readonly #clock: Clock
  #revision: number
  #draining = false
  #cancelTimer: (() => void) | undefined

  constructor(options: { logger: Logger; clock: Clock; revision: number }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#revision = options.revision
  }

  /** `history` is what the watcher missed up to the newest revision. */
  add(prefix: string, history: StoreEvent[], sink: WatchSink): StoreWatch {
    const watcher: Watcher = { prefix, sink, queue: history, reached: this.#revision, closed: false }
    const group = this.#byPrefix.get(prefix) ?? new Set()
    this.#byPrefix.set(prefix, group.add(watcher))
    this.#markDirty(watcher)
    return {
      close: () => {
        this.#remove(watcher)
      }
    }
  }

  /** Queues new events, all in revision order. */
  publish(events: readonly StoreEvent[]): void {
    this.#revision = events.at(-1)?.revision ?? this.#revision
    for (const [prefix, group] of this.#byPrefix) {
      const matching = events.filter((event) => event.record.key.startsWith(prefix))
      if (matching.length === 0) continue
      for (const watcher of group) {
        for (const event of matching) watcher.queue.push(event)
        this.#markDirty(watcher)
      }
    }
    this.#cancelTimer ??= this.#clock.after(idleProgressMs, () => {
      this.#cancelTimer = undefined
      for (const group of this.#byPrefix.values()) {
        for (const watcher of group) if (watcher.reached < this.#revision) this.#markDirty(watcher)
      }
    })
  }

  /** Delivers what is queued and ends all watches. */
  close(): void {
    this.#cancelTimer?.()
    this.#drain()
    for (const group of [...this.#byPrefix.values()]) {
      for (const watcher of [...group]) this.#end(watcher)
    }
  }

  #markDirty(watcher: Watcher): void {
    this.#dirty.add(watcher)
    if (this.#draining) return
    this.#draining = true
    queueMicrotask(() => {
      this.#drain()
    })
  }

  #drain(): void {
    // A sink may mark more watchers: a Set's iteration takes them in.
    for (const watcher of this.#dirty) {
      this.#dirty.delete(watcher)
      if (!watcher.closed) this.#deliver(watcher)
    }
    this.#draining = false
  }

  #deliver(watcher: Watcher): void {
    const events = watcher.queue
    watcher.queue = []
    watcher.reached = this.#revision
    const reached = this.#revision
    try {
      if (events.length > 0) watcher.sink.onEvents(events)
      if (!isClosed(watcher)) watcher.sink.onProgress?.(reached)
    } catch (error) {
      this.#logger.error('a watcher failed and was dropped', { prefix: watcher.prefix, error })
      this.#end(watcher, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #end(watcher: Watcher, error?: Error): void {
    if (watcher.closed) return
    this.#remove(watcher)
    try {
      watcher.sink.onEnd?.(error)
    } catch (failure) {
      this.#logger.error('a watcher failed at its end', { prefix: watcher.prefix, error: failure })
    }
  }

  #remove(watcher: Watcher): void {
    watcher.closed = true
    watcher.queue = []
    const group = this.#byPrefix.get(watcher.prefix)
    group?.delete(watcher)
    if (group?.size === 0) this.#byPrefix.delete(watcher.prefix)
  }
}

// The sink may have closed its watch, which narrowing does not see.
const isClosed = (watcher: Watcher): boolean => watcher.closed
