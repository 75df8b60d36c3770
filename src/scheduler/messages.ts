import type { NodeRejection } from './decide.js'

/** `1 Insufficient cpu, 2 node(s) were unschedulable`: how many nodes had each reason, in the order of the text. */
function counted(reasons: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}

const available = (nodeCount: number, reasons: Iterable<string>): string => {
  const text = counted(reasons)
  return `0/${nodeCount} nodes are available${text ? `: ${text}` : ''}.`
}

/**
 * Why a pod stays pending, as in the PodScheduled condition and the FailedScheduling event (upstream: FitError).
 * `preemption` says why taking other pods away doesn't help either.
 */
export function unschedulableMessage(
  rejections: ReadonlyMap<string, NodeRejection>,
  nodeCount: number,
  preemption: string
): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const reasons = [...rejections.values()].flatMap((rejected) => [...rejected.reasons])
  return `${available(nodeCount, reasons)} ${preemption}`
}

/** Why preemption found no node. */
export function preemptionMessage(rejections: ReadonlyMap<string, NodeRejection>, nodeCount: number): string {
  const reasons = [...rejections.values()].map(({ preemptible }) =>
    preemptible ? 'No preemption victims found for incoming pod' : 'Preemption is not helpful for scheduling'
  )
  return `preemption: ${available(nodeCount, reasons)}`
}

export const preemptionNever = 'preemption: not eligible due to preemptionPolicy=Never.'
export const preemptionWaits = 'preemption: not eligible due to a terminating pod on the nominated node.'
