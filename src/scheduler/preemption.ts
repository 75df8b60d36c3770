import type { ClusterView } from './cluster-state.js'
import { viewWith } from './cluster-state.js'
import { prepareFilters } from './decide.js'
import type { NodeRejection } from './decide.js'
import { NodeInfo } from './node-info.js'
import type { PodInfo } from './node-info.js'
import type { FilterPlugin } from './plugin.js'

export interface Preemption {
  nodeName: string
  victims: readonly PodInfo[]
}

/**
 * The node where taking away the least important pods makes room, and these pods; undefined if there is none.
 * Pure: changes nothing (upstream: pkg/scheduler/framework/preemption).
 */
export function planPreemption(options: {
  info: PodInfo
  view: ClusterView
  filters: readonly FilterPlugin[]
  rejections: ReadonlyMap<string, NodeRejection>
}): Preemption | undefined {
  const { info, view, filters, rejections } = options
  const candidates: Preemption[] = []
  for (const node of view.nodes.values()) {
    if (!rejections.get(node.name)?.preemptible) continue
    const victims = victimsOn(node, info, view, filters)
    if (victims && victims.length > 0) candidates.push({ nodeName: node.name, victims })
  }
  return candidates.sort(compareCandidates)[0]
}

/** Takes all less important pods away, then lets as many stay as possible, the most important first. */
function victimsOn(
  node: NodeInfo,
  info: PodInfo,
  view: ClusterView,
  filters: readonly FilterPlugin[]
): PodInfo[] | undefined {
  const less = [...node.pods.values()].filter(({ priority }) => priority < info.priority)
  if (less.length === 0) return undefined
  const stay = new Map([...node.pods].filter(([, { priority }]) => priority >= info.priority))
  const fits = () => {
    const trial = new NodeInfo(node.node, stay.values())
    return prepareFilters(info, viewWith(view, trial), filters)(trial) === undefined
  }
  if (!fits()) return undefined
  const victims: PodInfo[] = []
  for (const pod of less.sort(byImportance)) {
    stay.set(pod.key, pod)
    if (fits()) continue
    stay.delete(pod.key)
    victims.push(pod)
  }
  return victims
}

const startOf = ({ pod }: PodInfo): number => Date.parse(pod.status?.startTime ?? '') || Infinity

/** The more important first: higher priority, then longer running. */
const byImportance = (a: PodInfo, b: PodInfo): number =>
  b.priority - a.priority || (startOf(a) === startOf(b) ? 0 : startOf(a) - startOf(b))

const sumOf = (victims: readonly PodInfo[]): number =>
  victims.reduce((sum, { priority }) => sum + priority, 0)

/** Lowest highest priority, then lowest sum, then fewest, then the one whose most important victim started last. */
function compareCandidates(a: Preemption, b: Preemption): number {
  const [topA, topB] = [a.victims[0], b.victims[0]]
  if (!topA || !topB) return 0
  return (
    topA.priority - topB.priority ||
    sumOf(a.victims) - sumOf(b.victims) ||
    a.victims.length - b.victims.length ||
    (startOf(topA) === startOf(topB) ? 0 : startOf(topB) - startOf(topA))
  )
}
