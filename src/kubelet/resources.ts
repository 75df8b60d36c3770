import type { Container, Pod } from '../api/types.js'
import { quantityToMilli, quantityToNumber } from '../base/quantity.js'
import type { ContainerResources } from '../runtime/runtime.js'

/** Limits and requests of a container in the engine's terms. */
export function containerResources({ resources = {} }: Container): ContainerResources {
  const { limits = {}, requests = {} } = resources
  const cpuRequest = requests['cpu'] ?? limits['cpu']
  return {
    ...(cpuRequest === undefined ? {} : { cpuRequest: quantityToMilli(cpuRequest) }),
    ...(limits['cpu'] === undefined ? {} : { cpuLimit: quantityToMilli(limits['cpu']) }),
    ...(limits['memory'] === undefined ? {} : { memoryLimitBytes: quantityToNumber(limits['memory']) })
  }
}

type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/** The class that the API server has put in the status, or what it would be (qos.ComputePodQOS). */
export function qosClassOf(pod: Pod): QosClass {
  const known = pod.status?.qosClass
  if (known === 'Guaranteed' || known === 'Burstable' || known === 'BestEffort') return known
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(
    ({ resources = {} }) => resources
  )
  const names = ['cpu', 'memory']
  if (all.every(({ limits, requests }) => names.every((name) => !limits?.[name] && !requests?.[name])))
    return 'BestEffort'
  const isGuaranteed = all.every(({ limits, requests }) =>
    names.every((name) => limits?.[name] !== undefined && (requests?.[name] ?? limits[name]) === limits[name])
  )
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}

/** oom_score_adj of a container (qos.GetContainerOOMScoreAdjust). */
export function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  const criticalPriority = 2_000_000_000
  if ((pod.spec.priority ?? 0) >= criticalPriority) return -997
  const qos = qosClassOf(pod)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const request = container.resources?.requests?.['memory'] ?? container.resources?.limits?.['memory'] ?? '0'
  const share = nodeMemoryBytes > 0 ? (1000 * quantityToNumber(request)) / nodeMemoryBytes : 0
  return Math.min(999, Math.max(3, Math.floor(1000 - share)))
}
