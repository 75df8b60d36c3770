import type { ClusterView } from './cluster-state.js'
import { viewWith } from './cluster-state.js'
import { NodeInfo } from './node-info.js'
import type { PodInfo } from './node-info.js'
import type { FilterPlugin, Rejection, ScorePlugin } from './plugin.js'

export type NodeRejection = Rejection & { plugin: string }

export interface Decision {
  /** Where the pod should run; undefined if it fits nowhere. */
  nodeName: string | undefined
  /** Why each node was refused. */
  rejections: ReadonlyMap<string, NodeRejection>
}

/** Pods that were promised room on a node by preemption and are not there yet. */
export type Nominated = ReadonlyMap<string, readonly PodInfo[]>

type Check = (node: NodeInfo) => NodeRejection | undefined

/** All filters as one check; the first refusal counts. */
export function prepareFilters(info: PodInfo, view: ClusterView, plugins: readonly FilterPlugin[]): Check {
  const checks = plugins.flatMap((plugin) => {
    const check = plugin.prepare(info, view)
    return check ? [{ plugin: plugin.name, check }] : []
  })
  return (node) => {
    for (const { plugin, check } of checks) {
      const refused = check(node)
      if (refused) return { ...refused, plugin }
    }
    return undefined
  }
}

/** Finds the best node for a pod. Pure: changes nothing. */
export function decide(options: {
  info: PodInfo
  view: ClusterView
  filters: readonly FilterPlugin[]
  scores: readonly ScorePlugin[]
  nominated?: Nominated
}): Decision {
  const { info, view, filters, scores, nominated = new Map() as Nominated } = options
  const check = prepareFilters(info, view, filters)
  const rejections = new Map<string, NodeRejection>()
  const fitting: NodeInfo[] = []
  for (const node of view.nodes.values()) {
    const refused = check(node) ?? checkWithNominated(info, node, view, filters, nominated.get(node.name))
    if (refused) rejections.set(node.name, refused)
    else fitting.push(node)
  }
  return { nodeName: best(info, fitting, view, scores)?.name, rejections }
}

/** The room promised to pods of at least this priority is not free for this one. */
function checkWithNominated(
  info: PodInfo,
  node: NodeInfo,
  view: ClusterView,
  filters: readonly FilterPlugin[],
  nominated: readonly PodInfo[] = []
): NodeRejection | undefined {
  const before = nominated.filter((other) => other.key !== info.key && other.priority >= info.priority)
  if (before.length === 0) return undefined
  const full = new NodeInfo(node.node, [...node.pods.values(), ...before])
  return prepareFilters(info, viewWith(view, full), filters)(full)
}

function best(
  info: PodInfo,
  nodes: readonly NodeInfo[],
  view: ClusterView,
  scores: readonly ScorePlugin[]
): NodeInfo | undefined {
  if (nodes.length <= 1) return nodes[0]
  const totals = nodes.map(() => 0)
  for (const plugin of scores) {
    const given = plugin.score(info, nodes, view)
    for (const [i, score] of given?.entries() ?? []) totals[i] = (totals[i] ?? 0) + score * plugin.weight
  }
  return nodes[totals.indexOf(Math.max(...totals))]
}
