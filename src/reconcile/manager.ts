import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { InformerFactory } from '../client/informer-factory.js'
import type { Controller } from './controller.js'
import { Worker } from './worker.js'

/** Starts and stops a set of controllers together. */
export interface Manager {
  /** Subscribes all, waits until the informers are synced, starts the workers. */
  start(): Promise<void>
  /** Resolves when no reconcile runs any more. */
  stop(): Promise<void>
  /** No key is waiting or being worked on. */
  readonly idle: boolean
}

export function createManager(options: {
  controllers: readonly Controller[]
  informers: InformerFactory
  clock: Clock
  logger: Logger
}): Manager {
  const { controllers, informers, clock, logger } = options
  const workers = controllers.map((controller) => {
    const { name, concurrency } = controller
    const reconcile = (key: string) => controller.reconcile(key)
    return { controller, worker: new Worker({ name, concurrency, reconcile, clock, logger }) }
  })
  let unsubscribe: (() => void)[] = []
  let stopped = false
  return {
    async start() {
      unsubscribe = workers.flatMap(({ controller, worker }) => controller.watch(worker.queue))
      informers.start()
      await informers.synced()
      if (stopped) return
      for (const { worker } of workers) worker.start()
    },
    async stop() {
      stopped = true
      for (const undo of unsubscribe) undo()
      await Promise.all(workers.map(({ worker }) => worker.stop()))
    },
    get idle() {
      return workers.every(({ worker }) => worker.queue.idle)
    }
  }
}
