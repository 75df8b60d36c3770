import type { Node, Pod } from '../api/types.js'
import { keyOf } from '../base/object.js'
import { NodeInfo, podInfo } from './node-info.js'

/** What plugins decide by. */
export interface ClusterView {
  readonly nodes: ReadonlyMap<string, NodeInfo>
  namespaceLabels(namespace: string): Record<string, string> | undefined
}

/** Nodes with the pods placed on them, including those whose binding is under way. */
export class ClusterState implements ClusterView {
  readonly nodes = new Map<string, NodeInfo>()
  readonly namespaceLabels: (namespace: string) => Record<string, string> | undefined
  /** Where each pod counts, also while its node is not known. */
  readonly #placed = new Map<string, { pod: Pod; nodeName: string }>()

  constructor(namespaceLabels: (namespace: string) => Record<string, string> | undefined = () => undefined) {
    this.namespaceLabels = namespaceLabels
  }

  setNode(node: Node): void {
    const { name } = node.metadata
    const known = this.nodes.get(name)
    const pods = known
      ? known.pods.values()
      : [...this.#placed.values()].filter(({ nodeName }) => nodeName === name).map(({ pod }) => podInfo(pod))
    this.nodes.set(name, new NodeInfo(node, pods))
  }

  removeNode(name: string): void {
    this.nodes.delete(name)
  }

  /** Counts the pod on the node, and nowhere else. */
  place(pod: Pod, nodeName: string): void {
    const key = keyOf(pod)
    this.remove(key)
    this.#placed.set(key, { pod, nodeName })
    this.nodes.get(nodeName)?.add(podInfo(pod))
  }

  remove(key: string): void {
    const placed = this.#placed.get(key)
    if (!placed) return
    this.#placed.delete(key)
    this.nodes.get(placed.nodeName)?.remove(key)
  }
}

/** The view with one node's pods changed; the others are shared. */
export function viewWith(view: ClusterView, changed: NodeInfo): ClusterView {
  const nodes = new Map(view.nodes).set(changed.name, changed)
  return { nodes, namespaceLabels: (namespace) => view.namespaceLabels(namespace) }
}
