import type { Deployment, IntOrString, ReplicaSet } from '../../api/types.js'

export const replicasOf = (object: Deployment | ReplicaSet): number => object.spec.replicas ?? 1

export const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, set) => total + (count(set) ?? 0), 0)

export const specReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, replicasOf)

export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== 'Recreate'

function scaled(value: IntOrString, total: number, round: (n: number) => number): number {
  return typeof value === 'number' ? value : round((Number.parseInt(value, 10) * total) / 100)
}

/**
 * How many pods a rolling update may have above, and miss below, `spec.replicas`. Percentages: surge is rounded up,
 * unavailable down; both zero would never get on, so then one may be missing (ResolveFenceposts).
 */
export function fencesOf(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 }
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {}
  const total = replicasOf(deployment)
  const surge = scaled(maxSurge, total, Math.ceil)
  const unavailable = scaled(maxUnavailable, total, Math.floor)
  const atLeast = surge === 0 && unavailable === 0 ? 1 : unavailable
  return { maxSurge: surge, maxUnavailable: Math.min(atLeast, total) }
}
