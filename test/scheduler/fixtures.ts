import type { Container, Node, Pod, PodSpec, Taint } from '../../src/api/types.js'
import { ClusterState } from '../../src/scheduler/cluster-state.js'

let count = 0

export function makePod(
  name: string,
  fields: Partial<PodSpec> & { labels?: Record<string, string> } = {}
): Pod {
  const { labels = {}, ...spec } = fields
  return {
    metadata: { name, namespace: 'default', uid: `uid-${String(++count)}`, resourceVersion: '1', labels },
    spec: { containers: [{ name: 'c', image: 'app' }], ...spec }
  }
}

export const asking = (requests: Record<string, string>): Container[] => [
  { name: 'c', image: 'app', resources: { requests } }
]

export function makeNode(
  name: string,
  fields: {
    labels?: Record<string, string>
    taints?: Taint[]
    unschedulable?: boolean
    allocatable?: Record<string, string>
  } = {}
): Node {
  const { labels = {}, taints = [], unschedulable = false, allocatable } = fields
  return {
    metadata: {
      name,
      uid: `uid-${String(++count)}`,
      resourceVersion: '1',
      labels: { 'kubernetes.io/hostname': name, ...labels }
    },
    spec: { taints, unschedulable },
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable } }
  }
}

/** A cluster of these nodes and the pods on them. */
export function clusterOf(
  nodes: readonly Node[],
  placed: Readonly<Record<string, readonly Pod[]>> = {},
  namespaceLabels: Record<string, Record<string, string>> = {}
): ClusterState {
  const state = new ClusterState((namespace) => namespaceLabels[namespace])
  for (const node of nodes) state.setNode(node)
  for (const [nodeName, pods] of Object.entries(placed)) for (const pod of pods) state.place(pod, nodeName)
  return state
}
