import type { Pod, TopologySpreadConstraint } from '../../api/types.js'
import type { Selector } from '../../base/selectors.js'
import { selectorFromLabelSelector } from '../../base/selectors.js'
import type { ClusterView } from '../cluster-state.js'
import type { NodeInfo } from '../node-info.js'
import { matchesNodeAffinity } from '../node-selector.js'
import type { FilterPlugin, ScorePlugin } from '../plugin.js'
import { normalized, rejection } from '../plugin.js'
import { withPodLabels } from '../pod-terms.js'
import { untolerated } from '../../reconcile/tolerations.js'

const text = "node(s) didn't match pod topology spread constraints"

interface Constraint {
  source: TopologySpreadConstraint
  selector: Selector
  /** Matching pods per domain that the pod could go to. */
  counts: Map<string, number>
}

function constraintsOf(pod: Pod, whenUnsatisfiable: string, view: ClusterView): Constraint[] {
  const sources = (pod.spec.topologySpreadConstraints ?? []).filter(
    (constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable
  )
  const keys = sources.map(({ topologyKey }) => topologyKey)
  return sources.map((source) => {
    const labels = withPodLabels(source.labelSelector, pod, source.matchLabelKeys, undefined)
    const selector = selectorFromLabelSelector(labels)
    const counts = new Map<string, number>()
    for (const node of view.nodes.values()) {
      const value = node.node.metadata.labels?.[source.topologyKey]
      if (value === undefined || !isCounted(node, pod, source, keys)) continue
      counts.set(value, (counts.get(value) ?? 0) + matching(node, pod, selector))
    }
    return { source, selector, counts }
  })
}

/** Nodes that lack a label, or that the policies leave out, are no domain. */
function isCounted(
  { node }: NodeInfo,
  pod: Pod,
  constraint: TopologySpreadConstraint,
  keys: readonly string[]
): boolean {
  if (keys.some((key) => node.metadata.labels?.[key] === undefined)) return false
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesNodeAffinity(pod, node)) return false
  const taints = (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor' ? node.spec.taints : undefined
  return untolerated(taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute']) === undefined
}

function matching({ pods }: NodeInfo, pod: Pod, selector: Selector): number {
  let count = 0
  for (const { pod: other } of pods.values()) {
    const { namespace, deletionTimestamp, labels } = other.metadata
    if (namespace !== pod.metadata.namespace || deletionTimestamp !== undefined) continue
    if (selector.matches(labels)) count++
  }
  return count
}

/** Constraints with DoNotSchedule: no domain may exceed the emptiest one by more than maxSkew. */
export const podTopologySpread: FilterPlugin = {
  name: 'PodTopologySpread',
  changes: ['node', 'pod-gone', 'pod-placed'],
  prepare: ({ pod }, view) => {
    const constraints = constraintsOf(pod, 'DoNotSchedule', view)
    if (constraints.length === 0) return undefined
    return ({ node }) => {
      for (const { source, selector, counts } of constraints) {
        const value = node.metadata.labels?.[source.topologyKey]
        if (value === undefined) return rejection(`${text} (missing required label)`)
        const enough = counts.size >= (source.minDomains ?? 1)
        const least = enough ? Math.min(...counts.values()) : 0
        const self = selector.matches(pod.metadata.labels) ? 1 : 0
        if ((counts.get(value) ?? 0) + self - least > source.maxSkew) return rejection(text, true)
      }
      return undefined
    }
  }
}

/**
 * Constraints with ScheduleAnyway: emptier domains are better. A pod without any is kept apart from the others of its
 * controller, node by node (the effect of upstream's default constraints).
 */
export const preferSpread: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  score: ({ pod }, nodes, view) => {
    if (!pod.spec.topologySpreadConstraints?.length) return siblingsScore(pod, nodes)
    const constraints = constraintsOf(pod, 'ScheduleAnyway', view)
    if (constraints.length === 0) return undefined
    const counts = nodes.map(({ node }) =>
      constraints.reduce((sum, { source, counts }) => {
        const value = node.metadata.labels?.[source.topologyKey]
        // A node outside all domains comes last.
        const count = value === undefined ? Math.max(0, ...counts.values()) + 1 : (counts.get(value) ?? 0)
        return sum + count * Math.log(counts.size + 2)
      }, 0)
    )
    return normalized(counts, true)
  }
}

function siblingsScore(pod: Pod, nodes: readonly NodeInfo[]): number[] | undefined {
  const controller = pod.metadata.ownerReferences?.find((reference) => reference.controller)?.uid
  if (controller === undefined) return undefined
  const isSibling = (other: Pod) => other.metadata.ownerReferences?.some(({ uid }) => uid === controller)
  const counts = nodes.map(({ pods }) => [...pods.values()].filter((info) => isSibling(info.pod)).length)
  return normalized(counts, true)
}
