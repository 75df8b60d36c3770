import type { Pod, PodCondition } from '../../api/types.js'

export const podCondition = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type)

export const isReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True'

export const isFinished = (pod: Pod): boolean =>
  pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

/** Counts towards a controller's replicas (upstream: IsPodActive). */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isTerminating(pod)

/** When the pod became ready, in ms; undefined if it is not. */
export function readySince(pod: Pod): number | undefined {
  const condition = podCondition(pod, 'Ready')
  return condition?.status === 'True' ? Date.parse(condition.lastTransitionTime ?? '') || 0 : undefined
}

/** How long until the pod counts as available (ready for minReadySeconds), in ms; 0 if it does, undefined if not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, now: Date): number | undefined {
  const since = readySince(pod)
  if (since === undefined) return undefined
  return minReadySeconds === 0 ? 0 : Math.max(0, since + minReadySeconds * 1000 - now.getTime())
}

export const restartsOf = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount))
