import { matchesNodeAffinity, matchesNodeTerm } from '../node-selector.js'
import type { FilterPlugin, ScorePlugin } from '../plugin.js'
import { normalized, rejection } from '../plugin.js'

/** nodeSelector and required node affinity. */
export const nodeAffinity: FilterPlugin = {
  name: 'NodeAffinity',
  changes: ['node'],
  prepare: ({ pod }) => {
    const { nodeSelector, affinity } = pod.spec
    if (!nodeSelector && !affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
      return undefined
    return ({ node }) =>
      matchesNodeAffinity(pod, node)
        ? undefined
        : rejection("node(s) didn't match Pod's node affinity/selector")
  }
}

/** The sum of weights of the preferred terms that match. */
export const preferredNodeAffinity: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  score: ({ pod }, nodes) => {
    const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
    if (!terms?.length) return undefined
    const sums = nodes.map(({ node }) =>
      terms.reduce((sum, { preference, weight }) => sum + (matchesNodeTerm(preference, node) ? weight : 0), 0)
    )
    return normalized(sums)
  }
}
