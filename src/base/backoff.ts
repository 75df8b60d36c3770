/** Exponential back-off per key: `baseMs`, doubled per failure, at most `maxMs`. */
export class Backoff {
  readonly #failures = new Map<string, number>()
  readonly #baseMs: number
  readonly #maxMs: number
  constructor(options: { baseMs: number; maxMs: number }) {
    this.#baseMs = options.baseMs
    this.#maxMs = options.maxMs
  }

  /** Counts one more failure of the key and returns the delay before the next try, in ms. */
  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    return Math.min(this.#baseMs * 2 ** failures, this.#maxMs)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }
  reset(key: string): void {
    this.#failures.delete(key)
  }
}
