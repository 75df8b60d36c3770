import { events as eventKind } from '../api/kinds/events.js'
import type { Event } from '../api/types.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'

const ttlMs = 60 * 60_000
const sweep = 'sweep'

/** Deletes events an hour after their last occurrence (upstream: the API server's --event-ttl). */
export const eventTtlController: ControllerFactory = ({ client, informers, clock }) => {
  const events = informers.of(eventKind)
  return {
    name: 'event-ttl',

    watch(queue) {
      return [
        events.onChange(({ type, object }) => {
          // One timer for all: the earliest wins.
          if (type !== 'deleted') queue.addAfter(sweep, Math.max(1, dueAt(object) - clock.now().getTime()))
        })
      ]
    },

    async reconcile() {
      const now = clock.now().getTime()
      let next = Infinity
      for (const event of events.list()) {
        const due = dueAt(event)
        if (due > now) {
          next = Math.min(next, due)
          continue
        }
        try {
          const { uid, resourceVersion } = event.metadata
          await client.of(eventKind).delete(event.metadata, { preconditions: { uid, resourceVersion } })
        } catch (error) {
          if (!isReason(error, 'NotFound', 'Conflict')) throw error
        }
      }
      return Number.isFinite(next) ? { requeueAfterMs: Math.max(1000, next - now) } : undefined
    }
  }
}

function dueAt({ metadata, lastTimestamp, eventTime, series }: Event): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime]
  return Math.max(...times.map((time) => Date.parse(time ?? '') || 0)) + ttlMs
}
