import { nodes as nodeKind } from '../api/kinds/nodes.js'
import { pods as podKind } from '../api/kinds/pods.js'
import type { Pod } from '../api/types.js'
import { toTime } from '../base/clock.js'
import { keyOf } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { isFinished, isTerminating } from './support/pods.js'

/** How long a node may be missing before its pods are given up (upstream: quarantineTime). */
const quarantineMs = 40_000
/** So many finished pods are kept (upstream: --terminated-pod-gc-threshold). */
const finishedLimit = 12_500
const overflow = '*'

/** Deletes pods that nothing else would: of nodes that are gone, never scheduled ones, too many finished ones. */
export const podGarbageCollector: ControllerFactory = ({ client, informers, clock }) => {
  const pods = informers.of(podKind)
  const nodes = informers.of(nodeKind)
  const podClient = client.of(podKind)
  pods.index('finished', (pod) => (isFinished(pod) ? ['yes'] : []))
  pods.index('nodeName', (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []))

  async function nodeExists(name: string): Promise<boolean> {
    try {
      await client.of(nodeKind).get({ name })
      return true
    } catch (error) {
      if (isReason(error, 'NotFound')) return false
      throw error
    }
  }

  async function remove(pod: Pod): Promise<void> {
    try {
      await podClient.delete(pod.metadata, {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid }
      })
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error
    }
  }

  /** A pod that ran somewhere is marked failed first, so that its controllers learn how it ended. */
  async function giveUp(pod: Pod): Promise<void> {
    if (!isFinished(pod)) {
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByPodGC',
        message: 'PodGC: node no longer exists',
        lastTransitionTime: toTime(clock.now())
      }
      const body = {
        metadata: { uid: pod.metadata.uid },
        status: { phase: 'Failed', conditions: [condition] }
      }
      await podClient.patchStatus(pod.metadata, 'strategic', body)
    }
    await remove(pod)
  }

  async function removeOverflow(): Promise<void> {
    const finished = pods.byIndex('finished', 'yes')
    const age = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '')
    const oldest = finished
      .sort((a, b) => age(a) - age(b))
      .slice(0, Math.max(0, finished.length - finishedLimit))
    for (const pod of oldest) await remove(pod)
  }

  return {
    name: 'pod-garbage-collector',

    watch(queue) {
      return [
        pods.onChange(({ type, object }) => {
          if (type === 'deleted') return
          const { nodeName } = object.spec
          if (nodeName && !nodes.get(nodeName)) queue.addAfter(keyOf(object), quarantineMs)
          if (!nodeName && isTerminating(object)) queue.add(keyOf(object))
          if (isFinished(object) && pods.byIndex('finished', 'yes').length > finishedLimit)
            queue.add(overflow)
        }),
        nodes.onChange(({ type, object }) => {
          if (type !== 'deleted') return
          for (const pod of pods.byIndex('nodeName', object.metadata.name))
            queue.addAfter(keyOf(pod), quarantineMs)
        })
      ]
    },

    async reconcile(key) {
      if (key === overflow) {
        await removeOverflow()
        return undefined
      }
      const pod = pods.get(key)
      if (!pod) return undefined
      const { nodeName } = pod.spec
      if (!nodeName) {
        if (isTerminating(pod)) await remove(pod)
      } else if (!nodes.get(nodeName) && !(await nodeExists(nodeName))) {
        await giveUp(pod)
      }
      return undefined
    }
  }
}
