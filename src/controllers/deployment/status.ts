import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/types.js'
import { toTime } from '../../base/clock.js'
import { conditionOf, withCondition, withoutCondition } from '../support/conditions.js'
import { fencesOf, replicasOf, sum } from './fences.js'
import { allOf } from './plan.js'
import type { Sets } from './plan.js'

type Conditions = readonly DeploymentCondition[]

const noDeadline = 2 ** 31 - 1

/** In ms; undefined when rollouts may take for ever. */
export function deadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600
  return seconds === noDeadline ? undefined : seconds * 1000
}

export const progressOf = (status: DeploymentStatus | undefined): DeploymentCondition | undefined =>
  conditionOf(status?.conditions, 'Progressing')

export function withProgress(
  conditions: Conditions | undefined,
  now: Date,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string
): Conditions {
  return withCondition(
    conditions,
    { type: 'Progressing', status, reason, message, lastUpdateTime: toTime(now) },
    now
  )
}

/** Counts and the Available condition (upstream: calculateStatus). */
export function countedStatus(deployment: Deployment, sets: Sets, now: Date): DeploymentStatus {
  const all = allOf(sets)
  const available = sum(all, (set) => set.status?.availableReplicas)
  const enough = available >= replicasOf(deployment) - fencesOf(deployment).maxUnavailable
  const conditions = withCondition(
    deployment.status?.conditions,
    {
      type: 'Available',
      status: enough ? 'True' : 'False',
      reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
      lastUpdateTime: toTime(now)
    },
    now
  )
  const { collisionCount } = deployment.status ?? {}
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(all, (set) => set.status?.replicas),
    updatedReplicas: sets.current?.status?.replicas ?? 0,
    readyReplicas: sum(all, (set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - available),
    terminatingReplicas: sum(all, (set) => set.status?.terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: [...conditions]
  }
}

export function isComplete(deployment: Deployment, status: DeploymentStatus | undefined): boolean {
  const wanted = replicasOf(deployment)
  return (
    status !== undefined &&
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

function isProgressing(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

/** How long until the rollout counts as stuck, in ms; undefined if it can't be. */
export function timeLeftMs(deployment: Deployment, status: DeploymentStatus, now: Date): number | undefined {
  const deadline = deadlineMs(deployment)
  const progress = progressOf(status)
  if (deadline === undefined || !progress || progress.reason === 'NewReplicaSetAvailable') return undefined
  return Date.parse(progress.lastUpdateTime ?? '') + deadline - now.getTime()
}

/** Counts, and the Progressing and ReplicaFailure conditions of a rollout (upstream: syncRolloutStatus). */
export function rolloutStatus(deployment: Deployment, sets: Sets, now: Date): DeploymentStatus {
  const status = countedStatus(deployment, sets, now)
  let conditions: Conditions = status.conditions ?? []
  const before = deployment.status ?? {}
  const current = progressOf(before)
  const done = status.replicas === status.updatedReplicas && current?.reason === 'NewReplicaSetAvailable'
  const subject = sets.current
    ? `ReplicaSet "${sets.current.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`
  if (deadlineMs(deployment) === undefined) {
    conditions = withoutCondition(conditions, 'Progressing')
  } else if (!done) {
    if (isComplete(deployment, status)) {
      const message = `${subject} has successfully progressed.`
      conditions = withProgress(conditions, now, 'True', 'NewReplicaSetAvailable', message)
    } else if (isProgressing(before, status)) {
      // Set anew even with the same reason: lastUpdateTime is what the deadline counts from.
      const kept = current?.status === 'True' ? current.lastTransitionTime : undefined
      const progress = {
        type: 'Progressing',
        status: 'True',
        reason: 'ReplicaSetUpdated',
        message: `${subject} is progressing.`,
        lastUpdateTime: toTime(now),
        lastTransitionTime: kept ?? toTime(now)
      }
      conditions = [...withoutCondition(conditions, 'Progressing'), progress]
    } else if ((timeLeftMs(deployment, before, now) ?? 1) <= 0) {
      const message = `${subject} has timed out progressing.`
      conditions = withProgress(conditions, now, 'False', 'ProgressDeadlineExceeded', message)
    }
  }
  return { ...status, conditions: [...withFailure(conditions, sets, now)] }
}

function withFailure(conditions: Conditions, sets: Sets, now: Date): Conditions {
  const failureOf = (set: ReplicaSet | undefined) => conditionOf(set?.status?.conditions, 'ReplicaFailure')
  const failure =
    failureOf(sets.current) ??
    allOf(sets)
      .map(failureOf)
      .find((found) => found !== undefined)
  if (!failure) return withoutCondition(conditions, 'ReplicaFailure')
  return withCondition(conditions, { ...failure, lastUpdateTime: toTime(now) }, now)
}
