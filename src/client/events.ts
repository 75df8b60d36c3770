import { events as eventKind } from '../api/kinds/events.js'
import type { ObjectReference } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import { toTime } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { KubeObject } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Client } from './client.js'
import { EventCorrelator } from './event-correlator.js'
import type { EventDetails } from './event-correlator.js'

export interface EventRecorder {
  /** Records what happened to the object. Never throws and never waits: a lost event is not an error. */
  event(object: KubeObject, details: EventDetails): void
  /** Resolves when all events handed in so far are written or given up. */
  flushed(): Promise<void>
}

const maxQueued = 1000

/**
 * Writes core/v1 Events as client-go's EventBroadcaster does: the same event again within its window raises `count`
 * and `lastTimestamp` of the first; more than ten that differ only in their message become one; an object that emits
 * without end is cut to 25 at once and one each 5 minutes. Events are written one after another.
 */
export function createEventRecorder(options: {
  client: Client
  /** Who speaks: `kubelet`, `default-scheduler`, `deployment-controller`. */
  component: string
  /** The node, for components of one. */
  host?: string | undefined
  clock: Clock
  logger: Logger
}): EventRecorder {
  const { clock, logger, component, host } = options
  const events = options.client.of(eventKind)
  const correlator = new EventCorrelator(clock)
  const source = { component, ...(host === undefined ? {} : { host }) }
  let queued = 0
  let tail = Promise.resolve()

  async function write(regarding: ObjectReference, details: EventDetails): Promise<void> {
    const correlated = correlator.correlate(regarding, details)
    if (correlated === undefined) return
    const now = toTime(clock.now())
    const { message, previous } = correlated
    if (previous) {
      const body = { count: previous.count + 1, lastTimestamp: now, message }
      try {
        await events.patch({ namespace: previous.namespace, name: previous.name }, 'merge', body)
        previous.count++
        return
      } catch (error) {
        // The event may have been cleaned away meanwhile: then it is new again.
        if (!isReason(error, 'NotFound')) throw error
      }
    }
    const namespace = regarding.namespace ?? 'default'
    const created = await events.create({
      metadata: { name: correlator.nameFor(regarding.name ?? ''), namespace },
      involvedObject: regarding,
      reason: details.reason,
      message,
      type: details.type,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source,
      reportingComponent: component,
      reportingInstance: host ?? ''
    })
    correlated.remember({ namespace, name: created.metadata.name, count: 1 })
  }

  return {
    event(object, details) {
      if (queued >= maxQueued) {
        logger.debug('event dropped: too many are waiting', { reason: details.reason })
        return
      }
      queued++
      const regarding = referenceTo(object, details.fieldPath)
      tail = tail
        .then(() => write(regarding, details))
        .catch((error: unknown) => {
          logger.debug('event not recorded', { error, reason: details.reason })
        })
        .finally(() => {
          queued--
        })
    },
    flushed: () => tail
  }
}

function referenceTo(object: KubeObject, fieldPath: string | undefined): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace,
    name,
    uid,
    resourceVersion,
    ...(fieldPath === undefined ? {} : { fieldPath })
  }
}
