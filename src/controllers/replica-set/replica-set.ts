import { pods as podKind } from '../../api/kinds/pods.js'
import { replicaSets as replicaSetKind } from '../../api/kinds/replica-sets.js'
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../../api/types.js'
import { messageOf } from '../../base/errors.js'
import { keyOf } from '../../base/object.js'
import { selectorFromLabelSelector } from '../../base/selectors.js'
import type { ControllerFactory } from '../../reconcile/controller.js'
import { withCondition, withoutCondition } from '../support/conditions.js'
import { deletePods, isNamespaceTerminating, podFromTemplate, slowStart } from '../support/create-pods.js'
import { semanticEqual } from '../support/equal.js'
import {
  claim,
  controlledBy,
  controllerOf,
  controllerReference,
  indexByController,
  watchOwned
} from '../support/owners.js'
import { OwnWrites } from '../support/own-writes.js'
import { availableInMs, isActive, isFinished, isReady, isTerminating } from '../support/pods.js'
import { deletionOrder } from './deletion-order.js'

/** At most so many pods are created or deleted in one go. */
const burst = 500

/** Keeps `spec.replicas` pods of the template (upstream: pkg/controller/replicaset). */
export const replicaSetController: ControllerFactory = ({ client, informers, clock, recorder }) => {
  const sets = informers.of(replicaSetKind)
  const pods = informers.of(podKind)
  indexByController(sets)
  indexByController(pods)
  const podClient = client.of(podKind)
  const events = recorder('replicaset-controller')
  const ownWrites = new OwnWrites(pods)

  async function create(set: ReplicaSet, count: number): Promise<void> {
    const template = set.spec.template ?? {}
    const reference = controllerReference(replicaSetKind, set)
    await slowStart(count, async () => {
      try {
        const pod = await podClient.create(podFromTemplate(template, set, reference))
        ownWrites.wrote(keyOf(set), pod)
        const message = `Created pod: ${pod.metadata.name}`
        events.event(set, { type: 'Normal', reason: 'SuccessfulCreate', message })
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        const message = `Error creating: ${messageOf(error)}`
        events.event(set, { type: 'Warning', reason: 'FailedCreate', message })
        throw error
      }
    })
  }

  /** Pods on the node of all sets of the same Deployment: thin out the crowd first. */
  function crowdOf(set: ReplicaSet, own: readonly Pod[]): (pod: Pod) => number {
    const owner = controllerOf(set)
    const related = owner
      ? controlledBy(sets, owner.uid)
          .flatMap((other) => controlledBy(pods, other.metadata.uid))
          .filter(isActive)
      : own
    const perNode = new Map<string, number>()
    for (const { spec } of related)
      perNode.set(spec.nodeName ?? '', (perNode.get(spec.nodeName ?? '') ?? 0) + 1)
    return (pod) => perNode.get(pod.spec.nodeName ?? '') ?? 0
  }

  async function remove(set: ReplicaSet, active: readonly Pod[], count: number): Promise<void> {
    const victims = deletionOrder(active, crowdOf(set, active), clock.now()).slice(0, count)
    const onDelete = (pod: Pod) => {
      ownWrites.deleted(keyOf(set), pod)
    }
    await deletePods({ pods: podClient, victims, owner: set, events, onDelete })
  }

  /** Creates or deletes; returns why that failed, for the status. */
  async function scale(set: ReplicaSet, active: readonly Pod[]): Promise<Failure | undefined> {
    const missing = (set.spec.replicas ?? 1) - active.length
    try {
      if (missing > 0) await create(set, Math.min(missing, burst))
      else if (missing < 0) await remove(set, active, Math.min(-missing, burst))
      return undefined
    } catch (error) {
      return { error, reason: missing > 0 ? 'FailedCreate' : 'FailedDelete' }
    }
  }

  return {
    name: 'replicaset',

    watch(queue) {
      return [
        sets.onChange(({ object }) => {
          queue.add(keyOf(object))
        }),
        watchOwned({
          owned: pods,
          owners: sets,
          enqueue: (set) => {
            queue.add(keyOf(set))
          },
          mayAdopt: (set, pod) => selectorFromLabelSelector(set.spec.selector).matches(pod.metadata.labels)
        })
      ]
    },

    async reconcile(key) {
      const set = sets.get(key)
      if (!set) {
        ownWrites.forget(key)
        return undefined
      }
      // The informer will call again when it has caught up; the timer is for changes that fell between two lists.
      if (!ownWrites.settled(key)) return { requeueAfterMs: 1000 }
      const selector = selectorFromLabelSelector(set.spec.selector)
      const owned = await claim({ client, owner: set, ownerKind: replicaSetKind, selector, informer: pods })
      const active = owned.filter(isActive)
      const failure = set.metadata.deletionTimestamp === undefined ? await scale(set, active) : undefined
      const status = statusOf(set, owned, failure, clock.now())
      if (!semanticEqual(status, set.status)) await client.of(replicaSetKind).updateStatus({ ...set, status })
      if (failure) throw failure.error
      return availableSoon(set, active, clock.now())
    }
  }
}

interface Failure {
  error: unknown
  reason: 'FailedCreate' | 'FailedDelete'
}

function statusOf(
  set: ReplicaSet,
  owned: readonly Pod[],
  failure: Failure | undefined,
  now: Date
): ReplicaSetStatus {
  const active = owned.filter(isActive)
  const labels = Object.entries(set.spec.template?.metadata?.labels ?? {})
  const minReady = set.spec.minReadySeconds ?? 0
  const count = (test: (pod: Pod) => boolean) => active.filter(test).length
  const conditions = failure
    ? withCondition(
        set.status?.conditions,
        { type: 'ReplicaFailure', status: 'True', reason: failure.reason, message: messageOf(failure.error) },
        now
      )
    : withoutCondition(set.status?.conditions, 'ReplicaFailure')
  return {
    replicas: active.length,
    fullyLabeledReplicas: count((pod) => labels.every(([k, v]) => pod.metadata.labels?.[k] === v)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => availableInMs(pod, minReady, now) === 0),
    terminatingReplicas: owned.filter((pod) => isTerminating(pod) && !isFinished(pod)).length,
    observedGeneration: set.metadata.generation,
    ...(conditions.length > 0 ? { conditions: [...conditions] } : {})
  }
}

/** When the next ready pod has been ready for minReadySeconds. */
function availableSoon(set: ReplicaSet, active: readonly Pod[], now: Date) {
  const waits = active.map((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, now) ?? 0)
  const next = Math.min(...waits.filter((ms) => ms > 0))
  return Number.isFinite(next) ? { requeueAfterMs: next } : undefined
}
