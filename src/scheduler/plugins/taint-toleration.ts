import type { FilterPlugin, ScorePlugin } from '../plugin.js'
import { normalized, rejection } from '../plugin.js'
import { tolerates, untolerated } from '../../reconcile/tolerations.js'

/** Taints NoSchedule and NoExecute keep pods away that don't tolerate them. */
export const taintToleration: FilterPlugin = {
  name: 'TaintToleration',
  changes: ['node'],
  prepare:
    ({ pod }) =>
    ({ node }) => {
      const taint = untolerated(node.spec.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute'])
      return taint && rejection(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`)
    }
}

/** The fewer PreferNoSchedule taints that the pod doesn't tolerate, the better. */
export const preferNoSchedule: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  score: ({ pod }, nodes) => {
    const counts = nodes.map(
      ({ node }) =>
        (node.spec.taints ?? []).filter(
          (taint) =>
            taint.effect === 'PreferNoSchedule' &&
            !pod.spec.tolerations?.some((toleration) => tolerates(toleration, taint))
        ).length
    )
    return counts.every((count) => count === 0) ? undefined : normalized(counts, true)
  }
}
