import type { Pod } from '../../api/types.js'
import { readySince, restartsOf } from '../support/pods.js'

const phaseRank: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }
const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

/**
 * Sorts pods so that the ones to delete first come first (upstream: ActivePodsWithRanks): not assigned before
 * assigned, pending before running, not ready before ready, cheap before dear, crowded nodes first, lately ready
 * before long ready, often restarted first, young before old.
 *
 * @param crowd how many pods of the same owner run on the pod's node
 */
export function deletionOrder(pods: readonly Pod[], crowd: (pod: Pod) => number, now: Date): Pod[] {
  const ranked = pods.map((pod) => ({
    pod,
    keys: [
      pod.spec.nodeName ? 1 : 0,
      phaseRank[pod.status?.phase ?? ''] ?? 1,
      readySince(pod) === undefined ? 0 : 1,
      deletionCost(pod),
      -crowd(pod),
      readyAge(pod, now),
      -restartsOf(pod),
      age(pod, now)
    ]
  }))
  return ranked.sort((a, b) => compare(a.keys, b.keys) || byUid(a.pod, b.pod)).map(({ pod }) => pod)
}

function deletionCost(pod: Pod): number {
  const cost = pod.metadata.annotations?.[costAnnotation] ?? '0'
  return /^(0|-?[1-9]\d*)$/.test(cost) ? Number(cost) : 0
}

/** On a logarithmic scale, as upstream: pods that have been ready for about as long are told apart at random. */
function readyAge(pod: Pod, now: Date): number {
  const since = readySince(pod)
  return since === undefined ? 0 : logarithm(now.getTime() - since)
}

const age = (pod: Pod, now: Date): number =>
  logarithm(now.getTime() - (Date.parse(pod.metadata.creationTimestamp ?? '') || now.getTime()))

const logarithm = (ms: number): number => (ms > 0 ? Math.floor(Math.log2(ms * 1e6)) : -1)

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const byUid = (a: Pod, b: Pod): number => (a.metadata.uid < b.metadata.uid ? -1 : 1)
