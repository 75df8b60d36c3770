import type { Deployment, ReplicaSet } from '../../api/types.js'
import { fencesOf, isRolling, replicasOf, specReplicas, sum } from './fences.js'
import { annotations, byCreation } from './revisions.js'

/** A ReplicaSet and the size it should get. */
export interface Resize {
  set: ReplicaSet
  replicas: number
}

/** A Deployment's sets: the one of its current template, if there is one, and all others. */
export interface Sets {
  current: ReplicaSet | undefined
  old: readonly ReplicaSet[]
}

export const allOf = ({ current, old }: Sets): ReplicaSet[] => (current ? [...old, current] : [...old])
export const isActiveSet = (set: ReplicaSet): boolean => replicasOf(set) > 0

/** The size of the current set, without going over what surge allows (upstream: NewRSNewReplicas). */
export function currentSize(deployment: Deployment, sets: Sets): number {
  const wanted = replicasOf(deployment)
  const have = sets.current ? replicasOf(sets.current) : 0
  if (!isRolling(deployment)) return wanted
  const room = wanted + fencesOf(deployment).maxSurge - specReplicas(allOf(sets))
  return room <= 0 ? have : have + Math.min(room, wanted - have)
}

/** The next step of a rolling update: up first, then down, never below what must be available. */
export function rollingStep(deployment: Deployment, sets: Sets & { current: ReplicaSet }): Resize[] {
  const { current } = sets
  const wanted = replicasOf(deployment)
  const size = replicasOf(current) > wanted ? wanted : currentSize(deployment, sets)
  return size === replicasOf(current) ? shrinkOld(deployment, sets) : [{ set: current, replicas: size }]
}

function shrinkOld(deployment: Deployment, sets: Sets & { current: ReplicaSet }): Resize[] {
  const old = sets.old.filter(isActiveSet).sort(byCreation)
  if (old.length === 0) return []
  const minAvailable = replicasOf(deployment) - fencesOf(deployment).maxUnavailable
  const notYetAvailable = replicasOf(sets.current) - (sets.current.status?.availableReplicas ?? 0)
  // By what the specs ask for, as statuses lag behind a resize that was just made.
  const spare = specReplicas(allOf(sets)) - minAvailable - notYetAvailable
  if (spare <= 0) return []

  // Unhealthy pods first: taking them away costs no availability.
  const sizes = new Map(old.map((set) => [set, replicasOf(set)]))
  let budget = spare
  for (const set of old) {
    const unhealthy = replicasOf(set) - (set.status?.availableReplicas ?? 0)
    const count = Math.max(0, Math.min(unhealthy, budget))
    sizes.set(set, replicasOf(set) - count)
    budget -= count
  }
  const available = sum(allOf(sets), (set) => Math.min(set.status?.availableReplicas ?? 0, replicasOf(set)))
  budget = Math.min(budget, available - minAvailable)
  for (const set of old) {
    const size = sizes.get(set) ?? 0
    const count = Math.max(0, Math.min(size, budget))
    sizes.set(set, size - count)
    budget -= count
  }
  return [...sizes].map(([set, replicas]) => ({ set, replicas })).filter((resize) => isChange(resize))
}

export const isChange = ({ set, replicas }: Resize): boolean => replicas !== replicasOf(set)

/**
 * What to do when the Deployment's size changed, or it is paused: the only active set takes the size; a finished
 * rollout drops its old sets; one under way grows or shrinks all its sets in proportion (upstream: scale).
 */
export function scalePlan(deployment: Deployment, sets: Sets): Resize[] {
  const wanted = replicasOf(deployment)
  const single = activeOrLatest(sets)
  if (single) return [{ set: single, replicas: wanted }]
  if (isSaturated(deployment, sets.current)) {
    return sets.old.filter(isActiveSet).map((set) => ({ set, replicas: 0 }))
  }
  return isRolling(deployment) ? proportional(deployment, allOf(sets).filter(isActiveSet)) : []
}

function activeOrLatest(sets: Sets): ReplicaSet | undefined {
  const active = allOf(sets).filter(isActiveSet)
  if (active.length > 1) return undefined
  return active[0] ?? sets.current ?? [...sets.old].sort(byCreation).at(-1)
}

function isSaturated(deployment: Deployment, current: ReplicaSet | undefined): boolean {
  const wanted = replicasOf(deployment)
  return (
    current !== undefined &&
    Number(current.metadata.annotations?.[annotations.desired]) === wanted &&
    replicasOf(current) === wanted &&
    current.status?.availableReplicas === wanted
  )
}

function proportional(deployment: Deployment, active: readonly ReplicaSet[]): Resize[] {
  const wanted = replicasOf(deployment)
  const allowed = wanted > 0 ? wanted + fencesOf(deployment).maxSurge : 0
  const toAdd = allowed - specReplicas(active)
  // The largest first; of equal ones the newer grow and the older shrink.
  const sorted = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b))
  )
  let left = toAdd
  const resizes = sorted.map((set) => {
    const share = toAdd === 0 || left === 0 ? 0 : fractionOf(deployment, set)
    const change = toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
    left -= change
    return { set, replicas: replicasOf(set) + change }
  })
  const [largest] = resizes
  if (largest) largest.replicas = Math.max(0, largest.replicas + left)
  return resizes
}

/** By how many the set changes when it keeps its part of the whole. */
function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const wanted = replicasOf(deployment)
  if (wanted === 0) return -replicasOf(set)
  const before = Number(set.metadata.annotations?.[annotations.max]) || deployment.status?.replicas || 0
  if (before === 0) return 0
  const size = (replicasOf(set) * (wanted + fencesOf(deployment).maxSurge)) / before
  return Math.round(size) - replicasOf(set)
}
