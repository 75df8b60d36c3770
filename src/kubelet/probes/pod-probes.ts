import type { Container, Pod, Probe } from '../../api/types.js'
import type { Clock } from '../../base/clock.js'
import type { ContainerState, Runtime } from '../../runtime/runtime.js'
import { isSidecar } from '../pod-view.js'
import type { ProbeVerdict } from '../pod-view.js'
import { ProbeWorker } from './probe-worker.js'
import type { ProbeKind } from './probe-worker.js'
import type { ProbeResult } from './probe-result.js'
import { runProbe } from './prober.js'

export interface PodProbesOptions {
  runtime: Pick<Runtime, 'execSync'>
  clock: Clock
  /** A verdict has changed: plan again. */
  onChange: () => void
  onUnhealthy: (container: Container, kind: ProbeKind, result: ProbeResult) => void
}

interface Probed {
  workers: Map<ProbeKind, ProbeWorker>
  verdict: ProbeVerdict
}

/** The probes of one pod's running containers. Level-triggered: `update` starts and stops what is needed. */
export class PodProbes {
  readonly #options: PodProbesOptions
  readonly #probed = new Map<string, Probed>()

  constructor(options: PodProbesOptions) {
    this.#options = options
  }

  /** By container id. */
  get verdicts(): ReadonlyMap<string, ProbeVerdict> {
    return new Map([...this.#probed].map(([id, { verdict }]) => [id, verdict]))
  }

  update(
    pod: Pod,
    podIp: string,
    containers: readonly ContainerState[],
    options: { isEnding: boolean; isAdopted: (id: string) => boolean }
  ): void {
    const running = containers.filter(({ state }) => state === 'running')
    for (const [id, probed] of this.#probed) {
      const isRunning = running.some((container) => container.id === id)
      for (const [kind, worker] of probed.workers) {
        // A pod on its way out keeps its readiness probes only.
        if (!isRunning || (options.isEnding && kind !== 'readiness')) worker.stop()
      }
      if (!isRunning) this.#probed.delete(id)
    }
    if (options.isEnding) return
    const declared = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]
    for (const state of running) {
      if (this.#probed.has(state.id)) continue
      const container = declared.find(({ name }) => name === state.containerName)
      if (container) this.#begin(pod, container, state, podIp, options.isAdopted(state.id))
    }
  }

  stop(): void {
    for (const { workers } of this.#probed.values()) for (const worker of workers.values()) worker.stop()
    this.#probed.clear()
  }

  #begin(pod: Pod, container: Container, state: ContainerState, podIp: string, isAdopted: boolean): void {
    // What a kubelet adopts keeps the readiness it had: a restart of mk must not take pods out of their services.
    const reported = [
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.initContainerStatuses ?? [])
    ].find(({ name, containerID }) => name === container.name && containerID?.endsWith(state.id) === true)
    const wasStarted = isAdopted && reported?.started === true
    const started = container.startupProbe === undefined || wasStarted
    const ready = started && (container.readinessProbe === undefined || (wasStarted && reported.ready))
    const probed: Probed = { workers: new Map(), verdict: { started, ready } }
    this.#probed.set(state.id, probed)
    const startedAt = state.startedAt ?? state.createdAt
    const begin = (kind: ProbeKind, probe: Probe | undefined) => {
      if (probe)
        probed.workers.set(kind, this.#worker(kind, probe, container, state.id, podIp, startedAt, probed))
    }
    if (!started) begin('startup', container.startupProbe)
    else {
      begin('readiness', container.readinessProbe)
      begin('liveness', container.livenessProbe)
    }
  }

  #worker(
    kind: ProbeKind,
    probe: Probe,
    container: Container,
    containerId: string,
    podIp: string,
    startedAt: Date,
    probed: Probed
  ): ProbeWorker {
    const { clock, runtime } = this.#options
    return new ProbeWorker({
      kind,
      probe,
      startedAt,
      clock,
      run: () => runProbe(probe, { container, containerId, podIp }, runtime),
      onFailure: (result) => {
        this.#options.onUnhealthy(container, kind, result)
      },
      onVerdict: (isHealthy) => {
        this.#conclude(
          kind,
          isHealthy,
          probed,
          (next, nextProbe) => {
            const worker = this.#worker(next, nextProbe, container, containerId, podIp, startedAt, probed)
            probed.workers.set(next, worker)
          },
          container
        )
        this.#options.onChange()
      }
    })
  }

  #conclude(
    kind: ProbeKind,
    isHealthy: boolean,
    probed: Probed,
    begin: (kind: ProbeKind, probe: Probe) => void,
    { readinessProbe, livenessProbe }: Container
  ): void {
    if (kind === 'readiness') probed.verdict = { ...probed.verdict, ready: isHealthy }
    else if (!isHealthy) probed.verdict = { ...probed.verdict, failed: kind }
    else if (kind === 'startup') {
      probed.verdict = { ...probed.verdict, started: true, ready: readinessProbe === undefined }
      if (readinessProbe) begin('readiness', readinessProbe)
      if (livenessProbe) begin('liveness', livenessProbe)
    }
  }
}
