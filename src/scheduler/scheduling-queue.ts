import { Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'

export interface SchedulingQueueOptions {
  clock: Clock
  /** Called when a pod has become ready to be tried. */
  onReady: () => void
  /** Wait after the first failed try, doubled with each further one. Default 1000. */
  baseMs?: number
  /** Default 10 000. */
  maxMs?: number
}

/**
 * Pending pods in three groups (upstream: scheduling queue): ready to be tried, the most important first; backing off
 * after a failed try; and unschedulable until something in the cluster changes that may help.
 */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions
  readonly #backoff: Backoff
  /** By priority; within one, in the order of arrival. */
  readonly #ready = new Map<number, Set<string>>()
  readonly #priorities = new Map<string, number>()
  /** When a pod that failed may be tried again, in ms since the epoch. */
  readonly #notBefore = new Map<string, number>()
  readonly #waiting = new Map<string, () => void>()
  readonly #unschedulable = new Map<string, ReadonlySet<string>>()

  constructor(options: SchedulingQueueOptions) {
    this.#options = options
    this.#backoff = new Backoff({ baseMs: options.baseMs ?? 1000, maxMs: options.maxMs ?? 10_000 })
  }

  /** A new pod, or one whose own spec has changed: worth a try at once. */
  add(key: string, priority: number): void {
    this.#leave(key)
    this.#priorities.set(key, priority)
    this.#makeReady(key)
  }

  has(key: string): boolean {
    return this.#priorities.has(key)
  }

  /** The most important pod that is ready. It stays known until it is failed or removed. */
  take(): string | undefined {
    const highest = Math.max(...this.#ready.keys())
    const keys = this.#ready.get(highest)
    if (!keys) return undefined
    for (const key of keys) {
      this.#leave(key)
      return key
    }
    return undefined
  }

  /** Nothing fits: wait for one of these plugins' changes. */
  unschedulable(key: string, plugins: ReadonlySet<string>): void {
    if (!this.has(key)) return
    this.#failed(key)
    this.#unschedulable.set(key, plugins)
  }

  /** The try went wrong for another reason: again after the back-off. */
  retry(key: string): void {
    if (!this.has(key)) return
    this.#failed(key)
    this.#wait(key)
  }

  /** Something changed that may help pods rejected by these plugins. */
  moved(helps: (plugin: string) => boolean): void {
    for (const [key, plugins] of this.#unschedulable) {
      if (plugins.size > 0 && ![...plugins].some(helps)) continue
      this.#unschedulable.delete(key)
      this.#wait(key)
    }
  }

  remove(key: string): void {
    this.#leave(key)
    this.#priorities.delete(key)
    this.#notBefore.delete(key)
    this.#backoff.reset(key)
  }

  clear(): void {
    for (const key of [...this.#priorities.keys()]) this.remove(key)
  }

  #failed(key: string): void {
    this.#leave(key)
    this.#notBefore.set(key, this.#options.clock.now().getTime() + this.#backoff.next(key))
  }

  #wait(key: string): void {
    const delayMs = (this.#notBefore.get(key) ?? 0) - this.#options.clock.now().getTime()
    if (delayMs <= 0) {
      this.#makeReady(key)
      return
    }
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#waiting.delete(key)
      this.#makeReady(key)
    })
    this.#waiting.set(key, cancel)
  }

  #makeReady(key: string): void {
    const priority = this.#priorities.get(key) ?? 0
    const keys = this.#ready.get(priority)
    if (keys) keys.add(key)
    else this.#ready.set(priority, new Set([key]))
    this.#options.onReady()
  }

  #leave(key: string): void {
    const priority = this.#priorities.get(key) ?? 0
    const keys = this.#ready.get(priority)
    if (keys?.delete(key) && keys.size === 0) this.#ready.delete(priority)
    this.#waiting.get(key)?.()
    this.#waiting.delete(key)
    this.#unschedulable.delete(key)
  }
}
