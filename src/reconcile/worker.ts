import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { isReason } from '../base/status.js'
import { WorkQueue } from './work-queue.js'

/** Look at the key again after this time, without counting it as a failure. */
export interface Requeue {
  requeueAfterMs: number
}

/** An error that trying again can't mend: logged, not retried. The next change of the object is a new try. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}

/** Brings the world to what the object of that key asks for, whatever has changed. May find it gone. */
export type Reconcile = (key: string) => Promise<Requeue | undefined>

export interface WorkerOptions {
  name: string
  reconcile: Reconcile
  /** How many keys at the same time. Default 5. */
  concurrency?: number | undefined
  clock: Clock
  logger: Logger
}

/**
 * Takes keys off a queue and reconciles them. Four outcomes (controller-runtime): done; an error, tried again with
 * back-off; again after a time; terminal. Keys added before {@link start} wait for it.
 */
export class Worker {
  readonly queue: WorkQueue
  readonly #options: WorkerOptions
  readonly #logger: Logger
  readonly #concurrency: number
  readonly #running = new Set<Promise<void>>()
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#logger = options.logger.with({ controller: options.name })
    this.#concurrency = options.concurrency ?? 5
    this.queue = new WorkQueue({
      clock: options.clock,
      onReady: () => {
        this.#pump()
      }
    })
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#pump()
  }

  /** Takes no more keys and resolves when those being worked on are through. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.queue.stop()
    await Promise.all(this.#running)
  }

  #pump(): void {
    while (this.#state === 'running' && this.#running.size < this.#concurrency) {
      const key = this.queue.take()
      if (key === undefined) return
      const run: Promise<void> = this.#run(key).then(() => {
        this.#running.delete(run)
        this.queue.done(key)
        this.#pump()
      })
      this.#running.add(run)
    }
  }

  async #run(key: string): Promise<void> {
    // Off the stack of the listener that added the key: a batch of changes is one reconcile.
    await Promise.resolve()
    try {
      const again = await this.#options.reconcile(key)
      this.queue.forget(key)
      if (again) this.queue.addAfter(key, again.requeueAfterMs)
    } catch (error) {
      this.#failed(key, error)
    }
  }

  #failed(key: string, error: unknown): void {
    if (this.#state === 'stopped') return
    if (error instanceof TerminalError) {
      this.queue.forget(key)
      this.#logger.warn('reconcile failed, not tried again until something changes', { key, error })
      return
    }
    const retryInMs = this.queue.retry(key)
    // Losing a race against another writer is everyday life.
    const log = isReason(error, 'Conflict', 'AlreadyExists') ? 'debug' : 'warn'
    this.#logger[log]('reconcile failed', { key, error, retryInMs })
  }
}
