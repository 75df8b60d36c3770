import type { Pod } from '../api/types.js'
import type { Logger } from '../base/logger.js'
import type { ContainerState, Sandbox } from '../runtime/runtime.js'
import type { NodeContext } from './node-context.js'
import type { Plan } from './action.js'
import { planPod } from './plan.js'
import { PodActions } from './pod-actions.js'
import { podPaths } from './pod-directory.js'
import type { EmitEvent } from './pod-events.js'
import { podEvents } from './pod-events.js'
import { PodRecords } from './pod-records.js'
import type { PodView } from './pod-view.js'
import { busyKeys, readySandbox } from './pod-view.js'
import { PodProbes } from './probes/pod-probes.js'
import { podStatus } from './status.js'
import { StatusWriter } from './status-writer.js'

export interface PodWorkerOptions {
  context: NodeContext
  pod: Pod
  /** Nothing is planned before {@link PodWorker.adopt} has said what there is. */
  waitsForAdoption: boolean
  /** Nothing is left of a pod that is gone from the API: the worker can be dropped. */
  onDone: () => void
}

/**
 * Drives one pod: any change wakes it, it plans from what it knows and runs the plan's actions. Planning never waits;
 * an action that ends wakes it again (the pod workers of the kubelet, level-triggered).
 */
export class PodWorker {
  readonly #context: NodeContext
  readonly #onDone: () => void
  readonly #logger: Logger
  readonly #records: PodRecords
  readonly #actions: PodActions
  readonly #probes: PodProbes
  readonly #writer: StatusWriter
  readonly #event: EmitEvent
  /** Containers that ran before this worker: their probes go on where they were. */
  readonly #adopted = new Set<string>()
  #backingOff = new Set<string>()
  #pod: Pod
  /** The address to ask for again when the sandbox is lost. */
  #lastPodIp: string | undefined
  #isGone = false
  #isHeld: boolean
  #isStopped = false
  #isWoken = false
  #engineEvents = 0
  #rejection: PodView['rejection']
  #stopGraceSeconds: number | undefined
  #plan: Plan = { actions: [], waiting: new Map() }
  #cancelTimer: () => void = () => {}

  constructor({ context, pod, waitsForAdoption, onDone }: PodWorkerOptions) {
    this.#isHeld = waitsForAdoption
    this.#context = context
    this.#pod = pod
    this.#lastPodIp = pod.status?.podIP
    this.#onDone = onDone
    const { clock, runtime } = context
    const { namespace, name, uid } = pod.metadata
    this.#logger = context.logger.with({ pod: `${namespace ?? ''}/${name}`, uid })
    this.#event = podEvents(context.recorder, () => this.#pod)
    this.#records = new PodRecords(runtime)
    const wake = () => {
      this.wake()
    }
    this.#actions = new PodActions({
      context,
      subject: {
        pod: () => this.#pod,
        podIp: () => this.#podIp(),
        lastPodIp: () => this.#lastPodIp,
        sandbox: () => this.sandbox
      },
      paths: podPaths(context.stateDir, uid),
      records: this.#records,
      logger: this.#logger,
      event: this.#event,
      flushStatus: () => this.#writer.flush(),
      onChange: wake
    })
    this.#probes = new PodProbes({
      runtime,
      clock,
      onChange: wake,
      onUnhealthy: (container, kind, { result, output }) => {
        const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} probe`
        const text = result === 'unknown' ? 'errored and resulted in unknown state' : 'failed'
        this.#event('Warning', 'Unhealthy', `${title} ${text}: ${output.trimEnd()}`, container.name)
      }
    })
    this.#writer = new StatusWriter({
      pods: context.pods,
      clock,
      logger: this.#logger,
      current: () => (this.#isGone ? undefined : this.#pod),
      render: (current) => this.#render(current),
      onFresh: (fresh) => {
        this.setPod(fresh)
      }
    })
  }

  get pod(): Pod {
    return this.#pod
  }

  /** What the engine has of the pod, for streams. */
  get containers(): readonly ContainerState[] {
    return [...this.#records.containers.values()]
  }

  get sandbox(): Sandbox | undefined {
    return readySandbox({ sandboxes: [...this.#records.sandboxes.values()] })
  }

  get isRejected(): boolean {
    return this.#rejection !== undefined
  }

  /** A newer object; an older one is passed over. */
  setPod(pod: Pod): void {
    if (Number(pod.metadata.resourceVersion) < Number(this.#pod.metadata.resourceVersion)) return
    const { metadata } = this.#pod
    const changed = metadata.generation !== pod.metadata.generation
    const hasNewFacts =
      !isSame(metadata.labels, pod.metadata.labels) || !isSame(metadata.annotations, pod.metadata.annotations)
    this.#pod = pod
    this.#lastPodIp = pod.status?.podIP ?? this.#lastPodIp
    if (changed) this.#actions.forgetImages()
    if (changed || hasNewFacts) this.refreshSources()
    this.wake()
  }

  setGone(last: Pod): void {
    if (last.metadata.deletionTimestamp) this.#pod = last
    this.#isGone = true
    this.wake()
  }

  reject(rejection: { reason: string; message: string }): void {
    this.#rejection = rejection
    this.#event('Warning', rejection.reason, rejection.message)
    this.wake()
  }

  /** Something that the pod reads from the API has changed; one that ends needs nothing of it any more. */
  refreshSources(): void {
    if (this.#plan.ending !== undefined || this.#pod.metadata.deletionTimestamp !== undefined) return
    this.#actions.refreshSources()
    this.wake()
  }

  /** Takes over what the engine has (start, resync). */
  async adopt(sandboxes: readonly Sandbox[], containers: readonly ContainerState[]): Promise<void> {
    for (const { id } of containers) if (!this.#records.containers.has(id)) this.#adopted.add(id)
    await this.#records.adopt(sandboxes, containers)
    this.#isHeld = false
    this.wake()
  }

  /** Changes with whatever the worker does or hears: tells whether a listing is out of date. */
  get activity(): number {
    return this.#actions.activity + this.#engineEvents
  }

  /** The same later on, in case an event was lost; a listing that was overtaken by `activity` says nothing. */
  async resync(
    activity: number,
    sandboxes: readonly Sandbox[],
    containers: readonly ContainerState[]
  ): Promise<void> {
    if (this.#isHeld || this.activity !== activity || this.#actions.busy.size > 0) return
    await this.#records.adopt(sandboxes, containers)
    this.wake()
  }

  /** An event of the engine. */
  async onEngineEvent(event: {
    type: 'started' | 'exited' | 'removed'
    id: string
    sandbox: boolean
  }): Promise<void> {
    const { type, id } = event
    this.#engineEvents++
    if (event.sandbox) {
      const sandbox = this.#records.sandboxes.get(id)
      if (type === 'removed') this.#records.sandboxes.delete(id)
      else if (type === 'exited' && sandbox) this.#records.sandboxes.set(id, { ...sandbox, state: 'stopped' })
      if (sandbox && type !== 'started' && this.#plan.ending === undefined)
        this.#event('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    } else if (type === 'removed') this.#records.dropContainer(id)
    else if (this.#records.containers.has(id)) await this.#records.refresh(id)
    this.wake()
  }

  /** Stops containers and sandbox, but nothing is forgotten (mk down). */
  stopPod(graceSeconds: number): void {
    this.#stopGraceSeconds = graceSeconds
    this.wake()
  }

  get isDown(): boolean {
    const isRunning = this.containers.some(({ state }) => state === 'running')
    return !isRunning && this.#records.sandboxes.size === 0 && !this.#actions.busy.has(busyKeys.sandbox)
  }

  /** Ends the worker; containers run on. */
  stop(): void {
    this.#isStopped = true
    this.#cancelTimer()
    this.#probes.stop()
    this.#writer.stop()
  }

  wake(): void {
    if (this.#isWoken || this.#isStopped || this.#isHeld) return
    this.#isWoken = true
    setImmediate(() => {
      this.#isWoken = false
      if (!this.#isStopped) this.#sync()
    })
  }

  #sync(): void {
    const { refreshAt } = this.#actions
    if (refreshAt && refreshAt <= this.#context.clock.now()) this.#actions.markVolumesStale()
    const isEnding = this.#plan.ending !== undefined
    this.#probes.update(this.#pod, this.#podIp(), this.containers, {
      isEnding,
      isAdopted: (id) => this.#adopted.has(id)
    })
    const view = this.#view()
    const plan = planPod(view)
    this.#plan = plan
    if (plan.ending !== undefined) {
      if (!isEnding) this.wake()
      this.#actions.abortStarts()
    }
    for (const action of plan.actions) this.#actions.run(action)
    this.#reportBackoff()
    if (plan.ending !== 'node-stop') this.#writer.request()
    this.#scheduleWake(plan.wakeAt, refreshAt)
    this.#finishIfDone()
  }

  #view(): PodView {
    return {
      pod: this.#pod,
      isGone: this.#isGone,
      now: this.#context.clock.now(),
      sandboxes: [...this.#records.sandboxes.values()],
      containers: this.containers,
      probes: this.#probes.verdicts,
      ...this.#actions.view,
      rejection: this.#rejection,
      stopGraceSeconds: this.#stopGraceSeconds,
      timing: this.#context.timing
    }
  }

  #render(pod: Pod) {
    const { runtime } = this.#context
    const view = { ...this.#view(), pod }
    return podStatus(pod, {
      view,
      plan: this.#plan,
      hostIp: this.#context.hostIp(),
      messages: this.#records.messages,
      runtimeName: runtime.name
    })
  }

  #finishIfDone(): void {
    const isEmpty = this.#records.containers.size === 0 && this.#records.sandboxes.size === 0
    if (!this.#isGone || !isEmpty || !this.#actions.isCleanedUp) return
    this.stop()
    this.#onDone()
  }

  /** One event when a container begins to wait for its restart. */
  #reportBackoff(): void {
    const { name, namespace = '', uid } = this.#pod.metadata
    const waiting = new Set(this.#plan.waiting.keys())
    for (const container of waiting) {
      if (this.#backingOff.has(container)) continue
      const pod = `${name}_${namespace}(${uid})`
      const message = `Back-off restarting failed container ${container} in pod ${pod}`
      this.#event('Warning', 'BackOff', message, container)
    }
    this.#backingOff = waiting
  }

  #scheduleWake(...dates: (Date | undefined)[]): void {
    this.#cancelTimer()
    const nowMs = this.#context.clock.now().getTime()
    const delays = dates.flatMap((date) => (date ? [Math.max(1, date.getTime() - nowMs)] : []))
    if (delays.length === 0) return
    this.#cancelTimer = this.#context.clock.after(Math.min(...delays), () => {
      this.wake()
    })
  }

  #podIp(): string {
    return this.#pod.spec.hostNetwork === true ? this.#context.hostIp() : (this.sandbox?.ip ?? '')
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
