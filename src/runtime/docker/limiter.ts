/** Runs at most `limit` tasks at a time, the rest in the order of their arrival. */
export class Limiter {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number) {
    this.#limit = Math.max(1, limit)
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#running === 0
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await task()
    } finally {
      // A waiting task takes over this one's place, so the count stays.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
