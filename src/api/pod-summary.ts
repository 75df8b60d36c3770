import { humanDuration } from './columns.js'
import type { ContainerState, ContainerStatus, Pod } from './types.js'

/** What `kubectl get pods` shows of a pod's state; none of it is stored. */
export interface PodSummary {
  /** `1/2` */
  ready: string
  /** `Running`, `CrashLoopBackOff`, `Init:0/2`, `Terminating`, … */
  status: string
  /** `3 (5m ago)` */
  restarts: string
}

const conditionIsTrue = (pod: Pod, type: string) =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

/** `OOMKilled`, `Signal:9` or `ExitCode:1` */
function endOf(terminated: NonNullable<ContainerState['terminated']>): string {
  if (terminated.reason) return terminated.reason
  return terminated.signal ? `Signal:${String(terminated.signal)}` : `ExitCode:${String(terminated.exitCode)}`
}

class Restarts {
  count = 0
  #last = ''
  add(status: ContainerStatus): void {
    this.count += status.restartCount
    const finished = status.lastState?.terminated?.finishedAt ?? ''
    if (finished > this.#last) this.#last = finished
  }

  text(now: Date): string {
    return this.count !== 0 && this.#last !== ''
      ? `${String(this.count)} (${humanDuration(now.getTime() - Date.parse(this.#last))} ago)`
      : String(this.count)
  }
}

interface InitSummary {
  /** Why the pod is still initializing. */
  reason?: string
  ready: number
  restarts: Restarts
  sidecarRestarts: Restarts
}

function summariseInit(pod: Pod): InitSummary {
  const declared = pod.spec.initContainers ?? []
  const sidecars = new Set(declared.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const summary: InitSummary = { ready: 0, restarts: new Restarts(), sidecarRestarts: new Restarts() }
  for (const [i, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(status.name)
    summary.restarts.add(status)
    if (sidecar) summary.sidecarRestarts.add(status)
    const { terminated, waiting } = status.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (sidecar && status.started) {
      if (status.ready) summary.ready += 1
      continue
    }
    if (terminated) summary.reason = `Init:${endOf(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing')
      summary.reason = `Init:${waiting.reason}`
    else summary.reason = `Init:${String(i)}/${String(declared.length)}`
    break
  }
  return summary
}

/** pkg/printers/internalversion printPod */
export function podSummary(pod: Pod, now: Date): PodSummary {
  const { phase = '', reason: given } = pod.status ?? {}
  const gated = pod.status?.conditions?.some(
    (c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated'
  )
  const sidecars = (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').length
  const total = pod.spec.containers.length + sidecars
  const init = summariseInit(pod)
  let { ready, restarts } = init
  let status = init.reason ?? (gated ? 'SchedulingGated' : given || phase)
  if (init.reason === undefined || conditionIsTrue(pod, 'Initialized')) {
    restarts = init.sidecarRestarts
    let running = false
    for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
      restarts.add(container)
      const { waiting, terminated } = container.state ?? {}
      if (waiting?.reason) status = waiting.reason
      else if (terminated) status = endOf(terminated)
      else if (container.ready && container.state?.running) {
        running = true
        ready += 1
      }
    }
    if (status === 'Completed' && running) status = conditionIsTrue(pod, 'Ready') ? 'Running' : 'NotReady'
  }
  if (pod.metadata.deletionTimestamp) {
    if (given === 'NodeLost') status = 'Unknown'
    else if (phase !== 'Failed' && phase !== 'Succeeded') status = 'Terminating'
  }
  return { ready: `${String(ready)}/${String(total)}`, status, restarts: restarts.text(now) }
}
