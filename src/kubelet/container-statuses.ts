import type {
  Container,
  ContainerState as ApiState,
  ContainerStateTerminated,
  ContainerStatus
} from '../api/types.js'
import { toTime } from '../base/clock.js'
import type { ContainerState } from '../runtime/runtime.js'
import type { Plan } from './action.js'
import { isDead, isSidecar, latestOf, previousOf, readySandbox } from './pod-view.js'
import type { PodView } from './pod-view.js'
import { lostExitCode, reportedStatus, shouldRestart } from './restart.js'

/** What ended containers left at their terminationMessagePath, by container id. */
export type TerminationMessages = ReadonlyMap<string, string>

export interface ContainerStatuses {
  app: ContainerStatus[]
  init: ContainerStatus[]
}

export interface ContainerStatusInput {
  plan: Plan
  messages: TerminationMessages
  /** Scheme of container ids: `docker`. */
  runtimeName: string
}

/**
 * The status of every container, from the first write on (kubelet convertToAPIContainerStatuses): what has not begun
 * waits with PodInitializing or ContainerCreating.
 */
export function containerStatuses(view: PodView, input: ContainerStatusInput): ContainerStatuses {
  const { containers, initContainers = [] } = view.pod.spec
  const waitingReason = initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating'
  const statusOf = (container: Container, isInit: boolean) =>
    new StatusBuilder(view, input, container, isInit).build(waitingReason)
  return {
    app: containers.map((container) => statusOf(container, false)),
    init: initContainers.map((container) => statusOf(container, true))
  }
}

class StatusBuilder {
  readonly #view: PodView
  readonly #input: ContainerStatusInput
  readonly #container: Container
  readonly #isInit: boolean
  readonly #latest: ContainerState | undefined
  readonly #reported: ContainerStatus | undefined

  constructor(view: PodView, input: ContainerStatusInput, container: Container, isInit: boolean) {
    this.#view = view
    this.#input = input
    this.#container = container
    this.#isInit = isInit
    this.#latest = latestOf(view.containers, container.name)
    this.#reported = reportedStatus(view.pod, container.name)
  }

  build(defaultWaitingReason: string): ContainerStatus {
    const { name, image = '' } = this.#container
    const latest = this.#latest
    const states = this.#states(defaultWaitingReason)
    const terminated = states.state.terminated ?? states.lastState.terminated
    const containerId = latest ? this.#idOf(latest) : terminated?.containerID
    return {
      name,
      ...states,
      ...this.#flags(states.state),
      restartCount: latest?.attempt ?? this.#reported?.restartCount ?? 0,
      image: latest?.image ?? this.#reported?.image ?? image,
      imageID: latest?.imageId ?? this.#reported?.imageID ?? '',
      ...(containerId === undefined ? {} : { containerID: containerId }),
      ...(this.#container.resources === undefined ? {} : { resources: this.#container.resources })
    }
  }

  #states(defaultWaitingReason: string): { state: ApiState; lastState: ApiState } {
    const latest = this.#latest
    const previous = previousOf(this.#view.containers, this.#container.name)
    const lastState = previous ? { terminated: this.#terminated(previous) } : this.#reportedLastState()
    if (latest?.state === 'running')
      return { state: { running: { startedAt: toTime(latest.startedAt ?? latest.createdAt) } }, lastState }
    if (latest && isDead(latest)) {
      const terminated = this.#terminated(latest)
      const waiting = this.#waiting(terminated.exitCode, defaultWaitingReason)
      return waiting
        ? { state: { waiting }, lastState: { terminated } }
        : { state: { terminated }, lastState }
    }
    if (latest) return { state: { waiting: { reason: 'ContainerCreating' } }, lastState }
    return this.#lostState(defaultWaitingReason)
  }

  /** No record in the engine: never begun, or lost. */
  #lostState(defaultWaitingReason: string): { state: ApiState; lastState: ApiState } {
    const { state = {}, lastState = {} } = this.#reported ?? {}
    const lost: ContainerStateTerminated | undefined =
      state.terminated ??
      (state.running
        ? {
            exitCode: lostExitCode,
            reason: 'ContainerStatusUnknown',
            message: 'The container could not be located when the pod was deleted',
            startedAt: state.running.startedAt,
            ...(this.#reported?.containerID === undefined ? {} : { containerID: this.#reported.containerID })
          }
        : undefined)
    if (lost && (this.#view.isGone || !this.#willRestart(lost.exitCode)))
      return { state: { terminated: lost }, lastState }
    const waiting = this.#explicitWaiting() ?? { reason: defaultWaitingReason }
    return { state: { waiting }, lastState: lost ? { terminated: lost } : lastState }
  }

  /**
   * Waiting instead of Terminated, when there is something to say about the next start. A pod whose sandbox has gone
   * (mk down, a reboot) is made anew: Completed, as if it were done, would mislead.
   */
  #waiting(exitCode: number, defaultReason: string): ApiState['waiting'] {
    if (!this.#willRestart(exitCode)) return undefined
    return this.#explicitWaiting() ?? (readySandbox(this.#view) ? undefined : { reason: defaultReason })
  }

  #explicitWaiting(): ApiState['waiting'] {
    const { name } = this.#container
    const failure = this.#view.failures.get(name)
    const waiting = this.#input.plan.waiting.get(name) ?? failure
    return waiting && { reason: waiting.reason, message: waiting.message }
  }

  #willRestart(exitCode: number): boolean {
    if (this.#input.plan.ending) return false
    if (this.#isInit && !isSidecar(this.#container) && exitCode === 0) return false
    return shouldRestart(this.#view.pod, this.#container, exitCode)
  }

  #reportedLastState(): ApiState {
    const { lastState = {}, restartCount } = this.#reported ?? {}
    return this.#latest && restartCount !== undefined && restartCount < this.#latest.attempt
      ? { terminated: this.#reported?.state?.terminated ?? lastState.terminated }
      : lastState
  }

  #flags(state: ApiState): { ready: boolean; started: boolean } {
    const verdict = this.#latest && this.#view.probes.get(this.#latest.id)
    if (this.#isInit && !isSidecar(this.#container))
      return { ready: state.terminated?.exitCode === 0, started: state.running !== undefined }
    if (!state.running || !this.#latest) return { ready: false, started: false }
    // A pod whose sandbox is gone can't serve.
    const hasSandbox = readySandbox(this.#view)?.id === this.#latest.sandboxId
    const hasProbes = declaresProbes(this.#container)
    return {
      started: verdict?.started ?? !hasProbes.startup,
      ready: hasSandbox && (verdict?.ready ?? !(hasProbes.readiness || hasProbes.startup))
    }
  }

  #terminated(container: ContainerState): ContainerStateTerminated {
    const exitCode = container.exitCode ?? 128
    const message = this.#input.messages.get(container.id) || container.error
    const startedAt = container.startedAt && toTime(container.startedAt)
    const finishedAt = toTime(container.finishedAt ?? container.createdAt)
    return {
      exitCode,
      reason: terminatedReason(container, exitCode),
      ...(message ? { message } : {}),
      ...(startedAt === undefined ? {} : { startedAt }),
      finishedAt,
      containerID: this.#idOf(container)
    }
  }

  #idOf = ({ id }: ContainerState): string => `${this.#input.runtimeName}://${id}`
}

function terminatedReason(container: ContainerState, exitCode: number): string {
  if (container.oomKilled === true) return 'OOMKilled'
  if (container.startedAt === undefined) return 'StartError'
  return exitCode === 0 ? 'Completed' : 'Error'
}

const declaresProbes = ({ startupProbe, readinessProbe }: Container) => ({
  startup: startupProbe !== undefined,
  readiness: readinessProbe !== undefined
})
