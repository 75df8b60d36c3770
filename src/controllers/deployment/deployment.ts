import { deployments as deploymentKind } from '../../api/kinds/deployments.js'
import { pods as podKind } from '../../api/kinds/pods.js'
import { replicaSets as replicaSetKind } from '../../api/kinds/replica-sets.js'
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/types.js'
import { messageOf } from '../../base/errors.js'
import { keyOf } from '../../base/object.js'
import { selectorFromLabelSelector } from '../../base/selectors.js'
import { isReason } from '../../base/status.js'
import type { ControllerFactory } from '../../reconcile/controller.js'
import type { Requeue } from '../../reconcile/worker.js'
import { isNamespaceTerminating } from '../support/create-pods.js'
import { semanticEqual } from '../support/equal.js'
import { claim, controlledBy, indexByController, ownerIn, watchOwned } from '../support/owners.js'
import { OwnWrites } from '../support/own-writes.js'
import { isFinished } from '../support/pods.js'
import { isRolling, replicasOf } from './fences.js'
import { isActiveSet, isChange, rollingStep, scalePlan } from './plan.js'
import type { Resize, Sets } from './plan.js'
import { createSet, NameCollision, refreshSet, resize } from './replica-sets.js'
import { annotations, byCreation, findNewSet, revisionOf } from './revisions.js'
import {
  countedStatus,
  deadlineMs,
  isComplete,
  progressOf,
  rolloutStatus,
  timeLeftMs,
  withProgress
} from './status.js'

/**
 * Rolls a Deployment's template out through ReplicaSets (upstream: pkg/controller/deployment). Each reconcile makes
 * one step and writes the status; the sets' changes call it again.
 */
export const deploymentController: ControllerFactory = ({ client, informers, clock, recorder }) => {
  const deployments = informers.of(deploymentKind)
  const replicaSets = informers.of(replicaSetKind)
  const pods = informers.of(podKind)
  indexByController(replicaSets)
  indexByController(pods)
  const events = recorder('deployment-controller')
  const ownWrites = new OwnWrites(replicaSets)

  /** Writes the status if it changed; returns the Deployment as it is now. */
  async function writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<Deployment> {
    if (semanticEqual(status, deployment.status)) return deployment
    return client.of(deploymentKind).updateStatus({ ...deployment, status })
  }

  function writeProgress(deployment: Deployment, ...progress: ProgressArguments): Promise<Deployment> {
    const conditions = withProgress(deployment.status?.conditions, clock.now(), ...progress)
    return writeStatus(deployment, { ...deployment.status, conditions: [...conditions] })
  }

  /** Notes pausing and resuming, so that paused time does not count towards the deadline. */
  async function notePause(deployment: Deployment): Promise<Deployment> {
    const reason = progressOf(deployment.status)?.reason
    if (deadlineMs(deployment) === undefined || reason === 'ProgressDeadlineExceeded') return deployment
    const noted = reason === 'DeploymentPaused'
    if (deployment.spec.paused && !noted) {
      return writeProgress(deployment, 'Unknown', 'DeploymentPaused', 'Deployment is paused')
    }
    if (!deployment.spec.paused && noted) {
      return writeProgress(deployment, 'Unknown', 'DeploymentResumed', 'Deployment is resumed')
    }
    return deployment
  }

  async function noteRevision(deployment: Deployment, set: ReplicaSet): Promise<Deployment> {
    const revision = set.metadata.annotations?.[annotations.revision]
    if (revision === undefined || deployment.metadata.annotations?.[annotations.revision] === revision) {
      return deployment
    }
    const body = { metadata: { annotations: { [annotations.revision]: revision } } }
    return client.of(deploymentKind).patch(deployment.metadata, 'merge', body)
  }

  /** The set of the current template, made if it is missing and `create` is set. */
  async function currentSet(
    deployment: Deployment,
    sets: readonly ReplicaSet[],
    create: boolean
  ): Promise<{ deployment: Deployment; sets: Sets }> {
    const found = findNewSet(deployment, sets)
    const old = sets.filter((set) => set !== found)
    const revision = Math.max(0, ...old.map(revisionOf)) + 1
    if (found) {
      const current = await refreshSet(client, deployment, found, revision)
      if (current !== found) ownWrites.wrote(keyOf(deployment), current)
      let noted = await noteRevision(deployment, current)
      if (deadlineMs(noted) !== undefined && progressOf(noted.status) === undefined) {
        const message = `Found new replica set "${current.metadata.name}"`
        noted = await writeProgress(noted, 'True', 'FoundNewReplicaSet', message)
      }
      return { deployment: noted, sets: { current, old } }
    }
    if (!create) return { deployment, sets: { current: undefined, old } }
    const current = await createCurrent(deployment, old, revision)
    let noted = await noteRevision(deployment, current)
    if (deadlineMs(noted) !== undefined) {
      const message = `Created new replica set "${current.metadata.name}"`
      noted = await writeProgress(noted, 'True', 'NewReplicaSetCreated', message)
    }
    return { deployment: noted, sets: { current, old } }
  }

  async function createCurrent(
    deployment: Deployment,
    old: readonly ReplicaSet[],
    revision: number
  ): Promise<ReplicaSet> {
    try {
      const current = await createSet(client, deployment, old, revision)
      ownWrites.wrote(keyOf(deployment), current)
      const replicas = replicasOf(current)
      if (replicas > 0) {
        const message = `Scaled up replica set ${current.metadata.name} from 0 to ${replicas}`
        events.event(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message })
      }
      return current
    } catch (error) {
      if (error instanceof NameCollision) {
        const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
        await writeStatus(deployment, { ...deployment.status, collisionCount })
      } else if (!isNamespaceTerminating(error) && deadlineMs(deployment) !== undefined) {
        const message = `Failed to create new replica set for "${deployment.metadata.name}": ${messageOf(error)}`
        await writeProgress(deployment, 'False', 'ReplicaSetCreateError', message)
      }
      throw error
    }
  }

  function resizeAll(deployment: Deployment, resizes: readonly Resize[]): Promise<boolean> {
    const onWrite = (set: ReplicaSet) => {
      ownWrites.wrote(keyOf(deployment), set)
    }
    return resize({ client, events, deployment, resizes, onWrite })
  }

  /** Scaling, and paused Deployments: sizes change, nothing rolls. */
  async function scale(given: Deployment, sets: readonly ReplicaSet[]): Promise<undefined> {
    const { deployment, sets: found } = await currentSet(given, sets, false)
    await resizeAll(deployment, scalePlan(deployment, found))
    if (deployment.spec.paused) await cleanUp(deployment, found)
    await writeStatus(deployment, countedStatus(deployment, found, clock.now()))
  }

  async function finish(deployment: Deployment, sets: Sets): Promise<Requeue | undefined> {
    const now = clock.now()
    const status = rolloutStatus(deployment, sets, now)
    const written = await writeStatus(deployment, status)
    const left = isComplete(written, status) ? undefined : timeLeftMs(written, status, now)
    // One second more, as the deadline is compared in whole seconds.
    return left === undefined || left <= 0 ? undefined : { requeueAfterMs: left + 1000 }
  }

  async function roll(given: Deployment, sets: readonly ReplicaSet[]): Promise<Requeue | undefined> {
    const { deployment, sets: found } = await currentSet(given, sets, true)
    const { current, old } = found
    if (!current) return undefined
    const resizes = rollingStep(deployment, { current, old })
    const resized = await resizeAll(deployment, resizes)
    if (!resized && isComplete(deployment, deployment.status)) await cleanUp(deployment, found)
    return finish(deployment, found)
  }

  /** All old pods go, and are gone, before the first new one starts. */
  async function recreate(given: Deployment, sets: readonly ReplicaSet[]): Promise<Requeue | undefined> {
    const before = await currentSet(given, sets, false)
    const down = before.sets.old.filter(isActiveSet).map((set) => ({ set, replicas: 0 }))
    if (await resizeAll(before.deployment, down)) return finish(before.deployment, before.sets)
    const oldRuns = before.sets.old.some((set) =>
      controlledBy(pods, set.metadata.uid).some((pod) => !isFinished(pod))
    )
    if (oldRuns) return finish(before.deployment, before.sets)
    const { deployment, sets: found } = await currentSet(before.deployment, sets, true)
    const up = found.current ? [{ set: found.current, replicas: replicasOf(deployment) }] : []
    await resizeAll(deployment, up.filter(isChange))
    if (isComplete(deployment, deployment.status)) await cleanUp(deployment, found)
    return finish(deployment, found)
  }

  /** Deletes empty old sets beyond revisionHistoryLimit, the oldest revisions first. */
  async function cleanUp(deployment: Deployment, { old }: Sets): Promise<void> {
    const limit = deployment.spec.revisionHistoryLimit ?? 10
    const alive = old.filter((set) => set.metadata.deletionTimestamp === undefined)
    const excess = alive.sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    for (const set of excess.slice(0, Math.max(0, alive.length - limit))) {
      const observed = (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0)
      if (isActiveSet(set) || set.status?.replicas !== 0 || !observed) continue
      try {
        await client.of(replicaSetKind).delete(set.metadata, { preconditions: { uid: set.metadata.uid } })
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
  }

  return {
    name: 'deployment',

    watch(queue) {
      const enqueue = (deployment: Deployment) => {
        queue.add(keyOf(deployment))
      }
      return [
        deployments.onChange(({ object }) => {
          enqueue(object)
        }),
        watchOwned({
          owned: replicaSets,
          owners: deployments,
          enqueue,
          mayAdopt: ({ spec }, set) => selectorFromLabelSelector(spec.selector).matches(set.metadata.labels)
        }),
        // Recreate waits for the last old pod to be gone.
        pods.onChange(({ type, object }) => {
          const set = type === 'added' ? undefined : ownerIn(object, replicaSets)
          const deployment = set && ownerIn(set, deployments)
          if (deployment && !isRolling(deployment) && (type === 'deleted' || isFinished(object))) {
            enqueue(deployment)
          }
        })
      ]
    },

    async reconcile(key) {
      const seen = deployments.get(key)
      if (!seen) {
        ownWrites.forget(key)
        return undefined
      }
      if (!ownWrites.settled(key)) return { requeueAfterMs: 1000 }
      const selector = selectorFromLabelSelector(seen.spec.selector)
      const owner = { client, owner: seen, ownerKind: deploymentKind }
      const sets = await claim({ ...owner, selector, informer: replicaSets })
      if (seen.metadata.deletionTimestamp !== undefined) {
        const current = findNewSet(seen, sets)
        const old = sets.filter((set) => set !== current)
        await writeStatus(seen, countedStatus(seen, { current, old }, clock.now()))
        return undefined
      }
      const deployment = await notePause(seen)
      if (deployment.spec.paused || wasScaled(deployment, sets)) return scale(deployment, sets)
      return isRolling(deployment) ? roll(deployment, sets) : recreate(deployment, sets)
    }
  }
}

type ProgressArguments = [status: 'True' | 'False' | 'Unknown', reason: string, message: string]

/** Its size differs from what its sets were made for. */
function wasScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.filter(isActiveSet).some((set) => {
    const desired = set.metadata.annotations?.[annotations.desired]
    return desired !== undefined && Number(desired) !== replicasOf(deployment)
  })
}
