import type { Node, Pod } from '../api/types.js'
import { compareQuantities, addQuantities, quantityToMilli, quantityToNumber } from '../base/quantity.js'
import { isSidecar } from './pod-view.js'
import { hostPortsOf } from './sandbox-maker.js'

export interface Rejection {
  reason: string
  message: string
}

/**
 * Would the node take this pod beside the others? The scheduler has asked the same, but a pod may name its node itself
 * (kubelet admission: resources, host ports, node selector). Undefined: it fits.
 */
export function rejectionOf(pod: Pod, others: readonly Pod[], node: Node): Rejection | undefined {
  const selector = pod.spec.nodeSelector ?? {}
  const labels = node.metadata.labels ?? {}
  if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
    return {
      reason: 'NodeAffinity',
      message:
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    }
  }
  if (conflictingPorts(pod, others)) {
    return {
      reason: 'NodePorts',
      message:
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    }
  }
  return lackingResource(pod, others, node.status?.allocatable ?? {})
}

function conflictingPorts(pod: Pod, others: readonly Pod[]): boolean {
  const taken = others.flatMap((other) => portsOf(other))
  return portsOf(pod).some((port) =>
    taken.some(
      (other) =>
        other.hostPort === port.hostPort &&
        other.protocol === port.protocol &&
        (isAny(other.hostIp) || isAny(port.hostIp) || other.hostIp === port.hostIp)
    )
  )
}

const portsOf = (pod: Pod) => hostPortsOf(pod)
const isAny = (ip: string) => ip === '' || ip === '0.0.0.0'

function lackingResource(
  pod: Pod,
  others: readonly Pod[],
  allocatable: Readonly<Record<string, string>>
): Rejection | undefined {
  const count = others.length + 1
  if (allocatable['pods'] !== undefined && count > quantityToNumber(allocatable['pods']))
    return outOf('pods', 1, others.length, quantityToNumber(allocatable['pods']))
  const wanted = podRequests(pod)
  const used = others.map((other) => podRequests(other))
  for (const [name, quantity] of Object.entries(wanted)) {
    const total = used.reduce((sum, requests) => addQuantities(sum, requests[name] ?? '0'), '0')
    const capacity = allocatable[name]
    if (quantityToMilli(quantity) === 0) continue
    if (capacity === undefined || compareQuantities(addQuantities(total, quantity), capacity) > 0) {
      const amount = (value: string) => (name === 'cpu' ? quantityToMilli(value) : quantityToNumber(value))
      return outOf(name, amount(quantity), amount(total), amount(capacity ?? '0'))
    }
  }
  return undefined
}

const outOf = (name: string, requested: number, used: number, capacity: number): Rejection => ({
  reason: `OutOf${name}`,
  message: `Pod was rejected: Node didn't have enough resource: ${name}, requested: ${String(requested)}, used: ${String(used)}, capacity: ${String(capacity)}`
})

/** What a pod needs of each resource: the larger of its containers' sum and any init container with the sidecars before it. */
function podRequests({ spec }: Pod): Record<string, string> {
  const sum: Record<string, string> = {}
  const add = (to: Record<string, string>, requests: Record<string, string> | undefined) => {
    for (const [name, value] of Object.entries(requests ?? {}))
      to[name] = addQuantities(to[name] ?? '0', value)
  }
  const sidecars: Record<string, string> = {}
  const peak: Record<string, string> = {}
  for (const container of spec.initContainers ?? []) {
    const here = { ...sidecars }
    add(here, container.resources?.requests)
    if (isSidecar(container)) add(sidecars, container.resources?.requests)
    for (const [name, value] of Object.entries(here)) {
      if (compareQuantities(value, peak[name] ?? '0') > 0) peak[name] = value
    }
  }
  for (const { resources } of spec.containers) add(sum, resources?.requests)
  add(sum, sidecars)
  for (const [name, value] of Object.entries(peak)) {
    if (compareQuantities(value, sum[name] ?? '0') > 0) sum[name] = value
  }
  add(sum, spec.overhead)
  return sum
}
