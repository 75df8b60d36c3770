import type { ClusterView } from './cluster-state.js'
import type { NodeInfo, PodInfo } from './node-info.js'

/** Why a pod can't run on a node. */
export interface Rejection {
  /** As in the FailedScheduling event: `Insufficient cpu`. */
  reasons: readonly string[]
  /** Could it fit if pods were taken off the node? */
  preemptible: boolean
}

/** Changes that may make a rejected pod fit. */
export type ClusterChange = 'node' | 'pod-gone' | 'pod-placed'

/** Decides whether a pod may run on a node. One file each, one line in the registry. */
export interface FilterPlugin {
  readonly name: string
  /** After which changes a pod rejected by this plugin is worth another try. */
  readonly changes: readonly ClusterChange[]
  /**
   * Looks at the pod once and returns the check for a node, or undefined when there is nothing to check. The check
   * must not outlive the decision: it may hold counts of the view.
   */
  prepare(info: PodInfo, view: ClusterView): ((node: NodeInfo) => Rejection | undefined) | undefined
}

/** Says which of the nodes a pod fits on are better. */
export interface ScorePlugin {
  readonly name: string
  /** How much the score (0 … 100) counts. */
  readonly weight: number
  /** Returns the scores of the nodes, in their order, or undefined when it has no opinion. */
  score(info: PodInfo, nodes: readonly NodeInfo[], view: ClusterView): readonly number[] | undefined
}

export const rejection = (reason: string, preemptible = false): Rejection => ({
  reasons: [reason],
  preemptible
})

/** Scales counts to 0 … 100; `reverse` when less is better (upstream: DefaultNormalizeScore). */
export function normalized(counts: readonly number[], reverse = false): number[] {
  const max = Math.max(0, ...counts)
  return counts.map((count) => {
    if (max === 0) return reverse ? 100 : 0
    const score = Math.floor((count * 100) / max)
    return reverse ? 100 - score : score
  })
}
