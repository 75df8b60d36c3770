import type { Clock } from '../base/clock.js'

export interface HistoryLimits {
  /** How long a revision can still be listed and watched from; default 5 minutes. */
  keepMs?: number
  /** How much history may take in memory, in bytes of values; when it takes more, the older half goes. Default 128 MiB. */
  maxBytes?: number
}

/** What the compactor works on. */
interface Compactable {
  readonly revision: number
  readonly historyBytes: number
  revisionKeeping(bytes: number): number
  compact(revision: number): void
}

/** How many steps the time that history is kept is divided in: a revision goes after `keepMs` and at most one step. */
const steps = 5

/**
 * Bounds history by age and by size. Age works as etcd's periodic compaction: the newest revision is noted at each
 * step, and what is older than the note of `keepMs` ago goes; so continue tokens and watches do expire.
 */
export class Compactor {
  readonly #target: Compactable
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #maxBytes: number
  #marks: { at: number; revision: number }[] = []
  #cancel: (() => void) | undefined

  constructor(options: { target: Compactable; clock: Clock; limits: HistoryLimits }) {
    this.#target = options.target
    this.#clock = options.clock
    this.#keepMs = options.limits.keepMs ?? 5 * 60_000
    this.#maxBytes = options.limits.maxBytes ?? 128 * 1024 * 1024
    this.#step()
  }

  /** To be called after writes. */
  afterWrites(): void {
    if (this.#target.historyBytes <= this.#maxBytes) return
    this.#target.compact(this.#target.revisionKeeping(this.#maxBytes / 2))
  }

  stop(): void {
    this.#cancel?.()
  }

  #step(): void {
    const now = this.#clock.now().getTime()
    const expired = this.#marks.filter((mark) => mark.at <= now - this.#keepMs)
    const newest = expired.at(-1)
    if (newest) this.#target.compact(newest.revision)
    this.#marks = [...this.#marks.slice(expired.length), { at: now, revision: this.#target.revision }]
    this.#cancel = this.#clock.after(this.#keepMs / steps, () => {
      this.#step()
    })
  }
}
