import type { Kind } from '../api/kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Client } from '../client/client.js'
import type { EventRecorder } from '../client/events.js'
import type { InformerFactory } from '../client/informer-factory.js'
import type { Enqueue } from './work-queue.js'
import type { Requeue } from './worker.js'

/** What a controller may use. It talks to the rest of the cluster through the API only. */
export interface ControllerContext {
  client: Client
  informers: InformerFactory
  clock: Clock
  logger: Logger
  /** Records events as this component (`deployment-controller`). */
  recorder: (component: string) => EventRecorder
  /** All kinds served. */
  kinds: readonly Kind[]
  /** Certificates by which pods know the API server; published in each namespace. */
  rootCaPem: string
}

/**
 * One control loop. Level-based: a key says where to look, never what happened. While nothing changes and nothing is
 * due, it does nothing.
 */
export interface Controller {
  readonly name: string
  /** How many keys at the same time. Default 5. */
  readonly concurrency?: number
  /**
   * Subscribes to informers; their changes put keys on the queue. Returns what undoes it. Keys are worked on once all
   * informers are synced.
   */
  watch(queue: Enqueue): readonly (() => void)[]
  /** Brings the world to what the key's object asks for. A TerminalError is not tried again, any other is. */
  reconcile(key: string): Promise<Requeue | undefined>
}

/** Asks for its informers while it is made, so that they are part of the first sync. */
export type ControllerFactory = (context: ControllerContext) => Controller
