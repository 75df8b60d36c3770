import { Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'

/** Where a controller's watches put the keys that need a look. */
export interface Enqueue {
  add(key: string): void
  /** Adds the key once the delay is over; the earliest of several wins. */
  addAfter(key: string, delayMs: number): void
}

export interface WorkQueueOptions {
  clock: Clock
  /** Called when there is something to take. */
  onReady: () => void
  /** Delay after a key's first failure, doubled with each further one. Default 5. */
  baseMs?: number
  /** Default 60 000. */
  maxMs?: number
}

/**
 * Keys waiting to be worked on (client-go's workqueue). A key is there once however often it is added; one that is
 * being worked on waits until {@link done}, so no key is ever worked on twice at the same time. Timers run only while
 * something is due.
 */
export class WorkQueue implements Enqueue {
  readonly #clock: Clock
  readonly #onReady: () => void
  readonly #backoff: Backoff
  readonly #ready = new Set<string>()
  readonly #working = new Set<string>()
  /** Keys added while being worked on. */
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, { at: number; cancel: () => void }>()
  #stopped = false

  constructor({ clock, onReady, baseMs = 5, maxMs = 60_000 }: WorkQueueOptions) {
    this.#clock = clock
    this.#onReady = onReady
    this.#backoff = new Backoff({ baseMs, maxMs })
  }

  /** Nothing to do now, and nothing being done. Delayed keys don't count. */
  get idle(): boolean {
    return this.#ready.size === 0 && this.#working.size === 0
  }

  add(key: string): void {
    if (this.#stopped) return
    if (this.#working.has(key)) {
      this.#again.add(key)
      return
    }
    this.#ready.add(key)
    this.#onReady()
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const at = this.#clock.now().getTime() + delayMs
    const known = this.#delayed.get(key)
    if (known && known.at <= at) return
    known?.cancel()
    const cancel = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { at, cancel })
  }

  /** Adds the key after its back-off, which grows with each call until {@link forget}. Returns the delay in ms. */
  retry(key: string): number {
    const delayMs = this.#backoff.next(key)
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** The key went well: its back-off starts anew. */
  forget(key: string): void {
    this.#backoff.reset(key)
  }

  /** The key that waits longest, to be given back with {@link done}. */
  take(): string | undefined {
    for (const key of this.#ready) {
      this.#ready.delete(key)
      this.#working.add(key)
      return key
    }
    return undefined
  }

  done(key: string): void {
    this.#working.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  stop(): void {
    this.#stopped = true
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#ready.clear()
    this.#again.clear()
  }
}
