import type { Node, Pod } from '../api/types.js'
import { keyOf } from '../base/object.js'
import { add, amountsOf, podRequests } from './resources.js'
import type { Amounts } from './resources.js'

/** For scoring, a container without requests counts as this much (upstream: DefaultMilliCPURequest, DefaultMemoryRequest). */
const assumedPerPod = { cpu: 100, memory: 200 * 1024 * 1024 }

export interface HostPort {
  ip: string
  protocol: string
  port: number
}

/** What the scheduler needs to know of a pod, worked out once. */
export interface PodInfo {
  readonly pod: Pod
  readonly key: string
  readonly requests: Amounts
  readonly hostPorts: readonly HostPort[]
  readonly priority: number
}

const infos = new WeakMap<Pod, PodInfo>()

export function podInfo(pod: Pod): PodInfo {
  const known = infos.get(pod)
  if (known) return known
  const info = {
    pod,
    key: keyOf(pod),
    requests: podRequests(pod),
    hostPorts: hostPortsOf(pod),
    priority: pod.spec.priority ?? 0
  }
  infos.set(pod, info)
  return info
}

function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map(({ hostIP, protocol, hostPort }) => ({
      ip: hostIP || '0.0.0.0',
      protocol: protocol ?? 'TCP',
      port: hostPort ?? 0
    }))
}

/** A node and the pods on it, with their sums kept up to date. */
export class NodeInfo {
  readonly node: Node
  readonly allocatable: Amounts
  readonly pods = new Map<string, PodInfo>()
  readonly requested = new Map<string, number>()
  /** Like `requested`, with what pods without requests are assumed to use. */
  readonly assumed = { cpu: 0, memory: 0 }
  /** Those of `pods` whose anti-affinity may keep others away. */
  readonly repelling = new Map<string, PodInfo>()

  constructor(node: Node, pods: Iterable<PodInfo> = []) {
    this.node = node
    this.allocatable = amountsOf(node.status?.allocatable ?? node.status?.capacity)
    for (const info of pods) this.add(info)
  }

  get name(): string {
    return this.node.metadata.name
  }

  add(info: PodInfo): void {
    this.remove(info.key)
    this.pods.set(info.key, info)
    this.#count(info, 1)
    const { podAntiAffinity } = info.pod.spec.affinity ?? {}
    if (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length)
      this.repelling.set(info.key, info)
  }

  remove(key: string): void {
    const info = this.pods.get(key)
    if (!info) return
    this.pods.delete(key)
    this.repelling.delete(key)
    this.#count(info, -1)
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    add(this.requested, info.requests, sign)
    const { cpu, memory } = assumedUse(info)
    this.assumed.cpu += sign * cpu
    this.assumed.memory += sign * memory
  }
}

export const assumedUse = ({ requests }: PodInfo): { cpu: number; memory: number } => ({
  cpu: requests.get('cpu') ?? assumedPerPod.cpu,
  memory: requests.get('memory') ?? assumedPerPod.memory
})
