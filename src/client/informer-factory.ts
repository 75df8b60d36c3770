import type { Kind } from '../api/kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { KubeObject } from '../base/object.js'
import type { Client } from './client.js'
import { createInformer } from './informer.js'
import type { Informer } from './informer.js'

/** One shared informer per kind, for all parts of one cluster. */
export interface InformerFactory {
  /** The informer of all objects of a kind; started already if the factory is. */
  of<T extends KubeObject>(kind: Kind<T>): Informer<T>
  start(): void
  /** Resolves when every informer asked for so far has its first list. */
  synced(): Promise<void>
  stop(): void
}

export function createInformerFactory(options: {
  client: Client
  logger: Logger
  clock: Clock
}): InformerFactory {
  // Kinds of any type live in one map; the kind a caller passes is what types the answer.
  const informers = new Map<string, Informer<never>>()
  let state: 'new' | 'running' | 'stopped' = 'new'
  return {
    of<T extends KubeObject>(kind: Kind<T>): Informer<T> {
      const id = `${kind.plural}.${kind.version}.${kind.group}`
      const known = informers.get(id)
      if (known) return known as unknown as Informer<T>
      const informer = createInformer({ ...options, kind })
      informers.set(id, informer as unknown as Informer<never>)
      if (state === 'running') informer.start()
      return informer
    },
    start() {
      state = 'running'
      for (const informer of informers.values()) informer.start()
    },
    async synced() {
      await Promise.all([...informers.values()].map((informer) => informer.synced()))
    },
    stop() {
      state = 'stopped'
      for (const informer of informers.values()) informer.stop()
    }
  }
}
