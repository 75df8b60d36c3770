import { nodes as nodeKind } from '../api/kinds/nodes.js'
import { pods as podKind } from '../api/kinds/pods.js'
import type { Pod, Taint, Toleration } from '../api/types.js'
import { toTime } from '../base/clock.js'
import { keyOf } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { tolerates } from '../reconcile/tolerations.js'
import { isFinished, isTerminating } from './support/pods.js'

/**
 * Deletes pods from nodes with a NoExecute taint that they don't tolerate, or tolerate only for a time; a taint that
 * goes before takes the deletion back (upstream: pkg/controller/tainteviction).
 */
export const taintEvictionController: ControllerFactory = ({ client, informers, clock, recorder }) => {
  const nodes = informers.of(nodeKind)
  const pods = informers.of(podKind)
  pods.index('nodeName', (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
  const events = recorder('taint-eviction-controller')
  // Taints from before count from now: while nobody watched, the node could not recover either.
  const startedMs = clock.now().getTime()

  async function evict(pod: Pod): Promise<void> {
    const { uid } = pod.metadata
    const message = `Marking for deletion Pod ${keyOf(pod)}`
    events.event(pod, { type: 'Normal', reason: 'TaintManagerEviction', message })
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: toTime(clock.now())
    }
    try {
      const body = { metadata: { uid }, status: { conditions: [condition] } }
      await client.of(podKind).patchStatus(pod.metadata, 'strategic', body)
      await client.of(podKind).delete(pod.metadata, { preconditions: { uid } })
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error
    }
  }

  return {
    name: 'taint-eviction',

    watch(queue) {
      const hasTaint = (name: string) =>
        nodes.get(name)?.spec.taints?.some(({ effect }) => effect === 'NoExecute')
      return [
        nodes.onChange(({ object, previous }) => {
          if (object.spec.taints === previous?.spec.taints || !hasTaint(object.metadata.name)) return
          for (const pod of pods.byIndex('nodeName', object.metadata.name)) queue.add(keyOf(pod))
        }),
        pods.onChange(({ type, object }) => {
          if (type !== 'deleted' && hasTaint(object.spec.nodeName ?? '')) queue.add(keyOf(object))
        })
      ]
    },

    async reconcile(key) {
      const pod = pods.get(key)
      if (!pod || isTerminating(pod) || isFinished(pod)) return undefined
      const taints = nodes
        .get(pod.spec.nodeName ?? '')
        ?.spec.taints?.filter(({ effect }) => effect === 'NoExecute')
      const dueMs = evictionTime(taints ?? [], pod.spec.tolerations ?? [], startedMs)
      const leftMs = dueMs - clock.now().getTime()
      if (leftMs <= 0) await evict(pod)
      return leftMs > 0 && Number.isFinite(leftMs) ? { requeueAfterMs: leftMs } : undefined
    }
  }
}

/** When the pod has to go, in ms since the epoch; Infinity if it may stay. */
export function evictionTime(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  startedMs: number
): number {
  let due = Infinity
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint))
    if (matching.length === 0) return -Infinity
    const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? [])
    if (limits.length === 0) continue
    const since = Math.max(startedMs, Date.parse(taint.timeAdded ?? '') || 0)
    due = Math.min(due, since + Math.max(0, Math.min(...limits)) * 1000)
  }
  return due
}
