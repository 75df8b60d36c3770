import type { Clock } from '../base/clock.js'

interface Operation {
  deadline?: Date
  controller: AbortController
}

/**
 * Operations under way for one pod, one per key. Whatever starts or ends, `onChange` is called, so that the pod is
 * planned again. An operation that fails stays busy for the delay that its `onError` returns.
 */
export class Operations {
  readonly #running = new Map<string, Operation>()
  readonly #clock: Clock
  readonly #onChange: () => void
  /** Rises whenever an operation starts or ends. */
  activity = 0

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  get busy(): ReadonlyMap<string, { deadline?: Date }> {
    return this.#running
  }

  /** One with the same key that runs is told to hurry (its signal aborts) and is no longer waited for. */
  run(
    key: string,
    work: (signal: AbortSignal) => Promise<void>,
    options: { onError: (error: unknown) => number; deadline?: Date }
  ): void {
    this.#running.get(key)?.controller.abort()
    this.activity++
    const { onError, deadline } = options
    const operation = { controller: new AbortController(), ...(deadline ? { deadline } : {}) }
    this.#running.set(key, operation)
    const release = () => {
      this.activity++
      if (this.#running.get(key) === operation) this.#running.delete(key)
      this.#onChange()
    }
    work(operation.controller.signal).then(release, (error: unknown) => {
      const delayMs = onError(error)
      if (delayMs > 0) this.#clock.after(delayMs, release)
      else release()
    })
  }

  abort(key: string): void {
    this.#running.get(key)?.controller.abort()
  }
}
