import type { Pod, PodCondition, PodStatus } from '../api/types.js'
import { toTime } from '../base/clock.js'
import { podConditions } from './conditions.js'
import type { TerminationMessages } from './container-statuses.js'
import { containerStatuses } from './container-statuses.js'
import { phaseOf } from './phase.js'
import type { Plan } from './action.js'
import type { PodView } from './pod-view.js'
import { isTerminalPhase, readySandbox } from './pod-view.js'

export interface StatusInput {
  view: PodView
  plan: Plan
  hostIp: string
  messages: TerminationMessages
  /** Resolved image ids (`sha256:…`) by container id are in the engine's records; this prefixes container ids. */
  runtimeName: string
}

/**
 * The status of a pod (kubelet generateAPIPodStatus): built on the one it has, of which it keeps what others own
 * (foreign conditions, nominatedNodeName, qosClass, reason and message) and the times of what did not change.
 */
export function podStatus(pod: Pod, input: StatusInput): PodStatus {
  const { view, plan, hostIp } = input
  const old: PodStatus = pod.status ?? {}
  const statuses = containerStatuses({ ...view, pod }, input)
  const cause = endingCause(input)
  const phase = phaseOf(pod, old, statuses, plan.ending)
  const status: PodStatus = {
    ...old,
    ...cause,
    phase,
    observedGeneration: pod.metadata.generation,
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    startTime: old.startTime ?? toTime(view.now),
    containerStatuses: statuses.app,
    ...(statuses.init.length > 0 ? { initContainerStatuses: statuses.init } : {})
  }
  const sandbox = readySandbox(view)
  const podIp = pod.spec.hostNetwork === true && sandbox ? hostIp : sandbox?.ip
  // A pod that has ended keeps showing the address that it had.
  if (podIp) Object.assign(status, { podIP: podIp, podIPs: [{ ip: podIp }] })
  else if (!isTerminalPhase(phase) && !plan.ending) {
    delete status.podIP
    delete status.podIPs
  }
  const conditions = podConditions(pod, phase, statuses, sandbox !== undefined)
  return { ...status, conditions: mergeConditions(old.conditions ?? [], conditions, toTime(view.now)) }
}

function endingCause({ view, plan }: StatusInput): { reason?: string; message?: string } {
  if (view.rejection) return view.rejection
  if (plan.ending === 'deadline') {
    return {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline'
    }
  }
  return {}
}

/** Own conditions replace those of the same type; the transition time moves only with the status. */
function mergeConditions(
  old: readonly PodCondition[],
  own: readonly Omit<PodCondition, 'lastTransitionTime'>[],
  now: string
): PodCondition[] {
  const merged = own.map((condition): PodCondition => {
    const before = old.find(({ type }) => type === condition.type)
    const changed = before?.status !== condition.status
    return {
      ...condition,
      lastTransitionTime: changed ? now : (before.lastTransitionTime ?? now)
    }
  })
  return [...merged, ...old.filter(({ type }) => !own.some((condition) => condition.type === type))]
}
