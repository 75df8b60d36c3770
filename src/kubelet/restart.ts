import type { Container, ContainerStatus, Pod } from '../api/types.js'
import type { ContainerState } from '../runtime/runtime.js'
import { containerAnnotations, isDead, isSidecar, latestOf } from './pod-view.js'
import type { KubeletTiming, PodView } from './pod-view.js'

/** Does a container that ended with this code run again? Its own rules first, then its policy, then the pod's. */
export function shouldRestart(pod: Pod, container: Container, exitCode: number): boolean {
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    const isListed = exitCodes?.values?.includes(exitCode) === true
    const matches = exitCodes?.operator === 'NotIn' ? !isListed : isListed
    if (matches && action === 'Restart') return true
  }
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

/** The status that the API holds of a container, init or not. */
export function reportedStatus(pod: Pod, name: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  return [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)
}

/** Exit code of a container that the engine has lost without a trace (ContainerStatusUnknown). */
export const lostExitCode = 137

/**
 * How the newest attempt of a container ended; undefined while it runs or if there was none. A container that the API
 * knows but the engine doesn't has ended as reported last, or is lost.
 */
export function lastExitCode(view: Pick<PodView, 'pod' | 'containers'>, name: string): number | undefined {
  const latest = latestOf(view.containers, name)
  if (latest) return isDead(latest) ? (latest.exitCode ?? 128) : undefined
  const { state, lastState } = reportedStatus(view.pod, name) ?? {}
  if (state?.terminated) return state.terminated.exitCode
  if (state?.running) return lostExitCode
  return lastState?.terminated?.exitCode
}

/** The number of the next attempt: counts go on where the engine's records or the API's status left off. */
export function nextAttempt(view: Pick<PodView, 'pod' | 'containers'>, name: string): number {
  const latest = latestOf(view.containers, name)
  const reported = reportedStatus(view.pod, name)
  const hadContainer =
    reported?.state?.running ?? reported?.state?.terminated ?? reported?.lastState?.terminated
  const next = reported && hadContainer ? reported.restartCount + 1 : 0
  return Math.max(latest ? latest.attempt + 1 : 0, latest ? 0 : next)
}

/**
 * Crash back-off of a dead container: when it may start again and which delay comes after that start. The first
 * restart is at once; then 10 s, 20 s, … 300 s after the end; a run of twice the maximum starts over. The delay travels
 * with the container, so that it survives a restart of the kubelet.
 */
export function crashBackoff(
  latest: ContainerState,
  timing: KubeletTiming
): { restartAt: Date; nextMs: number; delayMs: number } {
  const finishedAt = latest.finishedAt ?? latest.createdAt
  const ranMs = finishedAt.getTime() - (latest.startedAt ?? latest.createdAt).getTime()
  const recorded = Number(latest.annotations[containerAnnotations.backoffMs] ?? 0)
  const delayMs = ranMs > 2 * timing.crashBackoffMaxMs ? 0 : recorded
  const nextMs = delayMs === 0 ? timing.crashBackoffMs : Math.min(delayMs * 2, timing.crashBackoffMaxMs)
  return { restartAt: new Date(finishedAt.getTime() + delayMs), nextMs, delayMs }
}

export type Outcome = 'unfinished' | 'succeeded' | 'failed'

/** Is there anything left for the pod to run? Sidecars don't count: they end when the others have. */
export function outcomeOf(view: Pick<PodView, 'pod' | 'containers'>): Outcome {
  const { pod } = view
  const isInitialized = pod.spec.containers.some(({ name }) => latestOf(view.containers, name))
  if (!isInitialized) {
    for (const container of pod.spec.initContainers ?? []) {
      if (isSidecar(container)) continue
      const exitCode = lastExitCode(view, container.name)
      if (exitCode !== undefined && exitCode !== 0 && !shouldRestart(pod, container, exitCode))
        return 'failed'
    }
  }
  let hasFailed = false
  for (const container of pod.spec.containers) {
    const exitCode = lastExitCode(view, container.name)
    if (exitCode === undefined || shouldRestart(pod, container, exitCode)) return 'unfinished'
    hasFailed ||= exitCode !== 0
  }
  return hasFailed ? 'failed' : 'succeeded'
}
