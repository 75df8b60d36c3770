import type { ContainerStatus, Pod, PodStatus } from '../api/types.js'
import type { ContainerStatuses } from './container-statuses.js'
import type { Ending } from './action.js'
import { isSidecar, isTerminalPhase } from './pod-view.js'
import { shouldRestart } from './restart.js'

interface Counts {
  pending: number
  waiting: number
  running: number
  stopped: number
  succeeded: number
}

/**
 * The phase of a pod from its containers' states (kubelet getPhase). Succeeded and Failed are kept for ever, whoever
 * wrote them, but a pod that has to end is Failed only once nothing of it runs any more.
 */
export function phaseOf(
  pod: Pod,
  old: PodStatus,
  statuses: ContainerStatuses,
  ending: Ending | undefined
): string {
  if (isTerminalPhase(old.phase)) return old.phase ?? 'Failed'
  if (ending === 'rejected') return 'Failed'
  const counts: Counts = { pending: 0, waiting: 0, running: 0, stopped: 0, succeeded: 0 }
  const { hasFailed } = countInit(pod, statuses.init, counts)
  for (const status of statuses.app) count(status, counts)
  if (ending === 'deadline') return counts.running > 0 ? 'Running' : 'Failed'
  if (hasFailed && counts.running === 0) return 'Failed'
  const hasAppStarted = statuses.app.some(({ state, lastState }) => state?.running ?? lastState?.terminated)
  if ((counts.pending > 0 && !hasAppStarted) || counts.waiting > 0) return 'Pending'
  if (counts.running > 0) return 'Running'
  if (counts.stopped === 0) return 'Pending'
  const willRestart = ending === undefined && anyWillRestart(pod, statuses.app)
  if (willRestart) return 'Running'
  return counts.stopped === counts.succeeded ? 'Succeeded' : 'Failed'
}

/** Init containers that are not done hold the pod in Pending; a sidecar counts as running, but not as stopped. */
function countInit(pod: Pod, statuses: readonly ContainerStatus[], counts: Counts): { hasFailed: boolean } {
  let hasFailed = false
  for (const container of pod.spec.initContainers ?? []) {
    const status = statuses.find(({ name }) => name === container.name)
    const { running, terminated } = status?.state ?? {}
    if (isSidecar(container)) {
      if (running) counts.running++
      const isPending = running ? status?.started !== true : !terminated && !status?.lastState?.terminated
      if (isPending) counts.pending++
      continue
    }
    const ended = terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined)
    if (!ended) counts.pending++
    else if (ended.exitCode !== 0) {
      if (terminated && !shouldRestart(pod, container, ended.exitCode)) hasFailed = true
      else counts.pending++
    }
  }
  return { hasFailed }
}

function count({ state, lastState }: ContainerStatus, counts: Counts): void {
  if (state?.running) counts.running++
  else if (state?.terminated) {
    counts.stopped++
    if (state.terminated.exitCode === 0) counts.succeeded++
  } else if (lastState?.terminated) counts.stopped++
  else counts.waiting++
}

const anyWillRestart = (pod: Pod, statuses: readonly ContainerStatus[]): boolean =>
  pod.spec.containers.some((container) => {
    const status = statuses.find(({ name }) => name === container.name)
    const ended = status?.state?.terminated ?? status?.lastState?.terminated
    return ended !== undefined && shouldRestart(pod, container, ended.exitCode)
  })
