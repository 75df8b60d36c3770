import type { Kind } from '../api/kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Client } from '../client/client.js'
import { createEventRecorder } from '../client/events.js'
import type { InformerFactory } from '../client/informer-factory.js'
import { createManager } from '../reconcile/manager.js'
import type { Manager } from '../reconcile/manager.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { controllers as all } from './registry.js'

/**
 * All controllers of one cluster. `start` starts the informers as well and resolves when they are synced and the
 * workers run; `stop` leaves the informers to whoever made them.
 */
export function createControllerManager(options: {
  client: Client
  informers: InformerFactory
  clock: Clock
  logger: Logger
  /** All kinds served. */
  kinds: readonly Kind[]
  /** Certificates by which pods know the API server. */
  rootCaPem: string
  /** Default: every controller of the registry. */
  controllers?: readonly ControllerFactory[]
}): Manager {
  const { client, informers, clock, logger, kinds, rootCaPem, controllers = all } = options
  const recorder = (component: string) => createEventRecorder({ client, component, clock, logger })
  const context = { client, informers, clock, logger, recorder, kinds, rootCaPem }
  return createManager({
    controllers: controllers.map((create) => create(context)),
    informers,
    clock,
    logger
  })
}
