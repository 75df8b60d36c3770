import type { Clock } from '../../base/clock.js'
import { Backoff } from '../../base/backoff.js'
import type { Logger } from '../../base/logger.js'

/** How long the engine must have had nothing else to do before the pool is refilled. */
const idleMs = 300

/** Keeps a number of things ready that take long to make; makes them when nothing else is going on. */
export class WarmPool<T> {
  readonly #options: {
    size: number
    clock: Clock
    logger: Logger
    make: () => Promise<T>
    discard: (item: T) => Promise<void>
    /** Whether making one now would not get in the way. */
    idle: () => boolean
  }
  readonly #ready: T[] = []
  readonly #backoff = new Backoff({ baseMs: 1000, maxMs: 60_000 })
  #making: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #stopped = true

  constructor(options: {
    size: number
    clock: Clock
    logger: Logger
    make: () => Promise<T>
    discard: (item: T) => Promise<void>
    idle: () => boolean
  }) {
    this.#options = options
  }

  start(): void {
    this.#stopped = false
    this.#schedule(0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    this.#cancel = undefined
    await this.#making
    const left = this.#ready.splice(0)
    await Promise.all(left.map((item) => this.#options.discard(item)))
  }

  /** One that is ready, undefined if there is none. */
  take(): T | undefined {
    const item = this.#ready.shift()
    this.#schedule(idleMs)
    return item
  }

  /** Forgets items that went away by themselves. */
  drop(gone: (item: T) => boolean): void {
    for (let i = this.#ready.length - 1; i >= 0; i--) {
      const item = this.#ready[i]
      if (item !== undefined && gone(item)) this.#ready.splice(i, 1)
    }
    this.#schedule(idleMs)
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#making || this.#ready.length >= this.#options.size) return
    this.#cancel?.()
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#making = this.#fill().finally(() => {
        this.#making = undefined
      })
    })
  }

  async #fill(): Promise<void> {
    while (!this.#stopped && this.#ready.length < this.#options.size) {
      if (!this.#options.idle()) {
        this.#later(idleMs)
        return
      }
      try {
        const item = await this.#options.make()
        this.#backoff.reset('')
        this.#ready.push(item)
      } catch (error) {
        this.#options.logger.warn('could not make a warm sandbox', { error })
        this.#later(this.#backoff.next(''))
        return
      }
    }
  }

  /** From within {@link #fill}: schedules once it has returned. */
  #later(delayMs: number): void {
    queueMicrotask(() => {
      void Promise.resolve(this.#making).then(() => {
        this.#schedule(delayMs)
      })
    })
  }
}
