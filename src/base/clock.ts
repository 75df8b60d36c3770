/** Time as a dependency: production code never calls Date.now or setTimeout for behaviour that a test must steer. */
export interface Clock {
  now(): Date
  /** Runs `callback` after `delayMs`; the returned function cancels it. Timers never keep the process alive. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => new Date(),
  after: (delayMs, callback) => {
    // Node turns a delay above 2^31-1 ms into 1 ms.
    const timer = setTimeout(callback, Math.min(delayMs, 0x7fffffff))
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  }
}

/** meta/v1 Time: whole seconds, UTC. */
export const toTime = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z')

/** meta/v1 MicroTime: six decimals (JavaScript has three). */
export const toMicroTime = (date: Date): string => date.toISOString().replace(/\.(\d{3})Z$/, '.$1000Z')
