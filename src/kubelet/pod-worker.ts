import type { Pod } from '../api/types.js'
import { Backoff } from '../base/backoff.js'
import { isMkError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { isReason } from '../base/status.js'
import type { ContainerState, ImageState, Sandbox } from '../runtime/runtime.js'
import { killContainer } from './container-killer.js'
import { StartError, startContainer } from './container-starter.js'
import { ImageError } from './images/image-manager.js'
import type { NodeContext } from './node-context.js'
import { Operations } from './operations.js'
import type { Action, Plan } from './action.js'
import { planPod } from './plan.js'
import { podPaths } from './pod-directory.js'
import type { EmitEvent } from './pod-events.js'
import { podEvents } from './pod-events.js'
import { PodRecords } from './pod-records.js'
import type { Failure, PodView } from './pod-view.js'
import { busyKeys, failureKeys, readySandbox } from './pod-view.js'
import { PodVolumes } from './pod-volumes.js'
import { PodProbes } from './probes/pod-probes.js'
import { makeSandbox } from './sandbox-maker.js'
import { podStatus } from './status.js'
import { StatusWriter } from './status-writer.js'

const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError'
])

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
  readonly #operations: Operations
  readonly #volumes: PodVolumes
  readonly #probes: PodProbes
  readonly #writer: StatusWriter
  readonly #retry: Backoff
  readonly #paths
  readonly #event: EmitEvent
  readonly #failures = new Map<string, Failure>()
  readonly #images = new Map<string, ImageState>()
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
  #areVolumesReady = false
  #areVolumesStale = false
  #isFinalStatusReported = false
  #isCleanedUp = false
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
    const { clock, runtime, sources, timing } = context
    const { namespace, name, uid } = pod.metadata
    this.#logger = context.logger.with({ pod: `${namespace ?? ''}/${name}`, uid })
    this.#event = podEvents(context.recorder, () => this.#pod)
    this.#paths = podPaths(context.stateDir, uid)
    this.#records = new PodRecords(runtime)
    this.#retry = new Backoff({ baseMs: timing.retryMs, maxMs: timing.retryMaxMs })
    const wake = () => {
      this.wake()
    }
    this.#operations = new Operations(clock, wake)
    this.#volumes = new PodVolumes({ paths: this.#paths, sources, engineVolumes: runtime.volumes })
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
    if (changed) this.#images.clear()
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

  /** Something that the pod reads from the API has changed: volumes are brought up to date, errors tried again. */
  refreshSources(): void {
    this.#areVolumesStale = this.#pod.spec.volumes !== undefined && this.#pod.spec.volumes.length > 0
    const now = this.#context.clock.now()
    for (const [key, failure] of this.#failures) {
      const isAboutSources = key === failureKeys.volumes || failure.reason === 'CreateContainerConfigError'
      if (isAboutSources) this.#failures.set(key, { ...failure, retryAt: now })
    }
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
    return this.#operations.activity + this.#engineEvents
  }

  /** The same later on, in case an event was lost; a listing that was overtaken by `activity` says nothing. */
  async resync(
    activity: number,
    sandboxes: readonly Sandbox[],
    containers: readonly ContainerState[]
  ): Promise<void> {
    if (this.#isHeld || this.activity !== activity || this.#operations.busy.size > 0) return
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
    return !isRunning && this.#records.sandboxes.size === 0 && !this.#operations.busy.has(busyKeys.sandbox)
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
    const refreshAt = this.#volumes.refreshAt
    if (refreshAt && refreshAt <= this.#context.clock.now()) this.#areVolumesStale = true
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
      this.#operations.abort(busyKeys.start)
      for (const { name } of this.#allContainers()) this.#operations.abort(busyKeys.image(name))
    }
    for (const action of plan.actions) this.#run(action)
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
      failures: this.#failures,
      imagesReady: new Set(this.#images.keys()),
      areVolumesReady: this.#areVolumesReady,
      areVolumesStale: this.#areVolumesStale,
      busy: this.#operations.busy,
      rejection: this.#rejection,
      isFinalStatusReported: this.#isFinalStatusReported,
      isCleanedUp: this.#isCleanedUp,
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

  #run(action: Action): void {
    switch (action.type) {
      case 'mountVolumes':
        this.#mountVolumes()
        return
      case 'createSandbox':
        this.#createSandbox()
        return
      case 'removeSandbox':
        this.#runSafely(busyKeys.sandbox, async () => {
          await this.#context.runtime.removeSandbox(action.id)
          this.#records.sandboxes.delete(action.id)
        })
        return
      case 'ensureImage':
        this.#ensureImage(action.container)
        return
      case 'startContainer':
        this.#start(action)
        return
      case 'killContainer':
        this.#kill(action)
        return
      case 'removeContainer':
        this.#runSafely(busyKeys.container(action.id), async () => {
          await this.#context.runtime.removeContainer(action.id)
          this.#records.dropContainer(action.id)
        })
        return
      case 'reportFinalStatus':
        this.#runSafely(busyKeys.finalStatus, async () => {
          await this.#writer.flush()
          this.#isFinalStatusReported = true
        })
        return
      case 'cleanUp':
        this.#runSafely(busyKeys.cleanUp, async () => {
          await this.#volumes.unmount(this.#pod)
          this.#context.images.forgetPod(this.#pod.metadata.uid)
          this.#isCleanedUp = true
        })
        return
      case 'finish':
        this.#runSafely(busyKeys.finish, () => this.#finish())
    }
  }

  /** Housekeeping: what fails is logged and tried again after a growing delay. */
  #runSafely(key: string, work: (signal: AbortSignal) => Promise<void>, deadline?: Date): void {
    const onError = (error: unknown) => {
      this.#noteEngineTrouble(error)
      this.#logger.warn('pod operation failed', { operation: key, error })
      return this.#retry.next(key)
    }
    const onSuccess = () => {
      this.#retry.reset(key)
    }
    this.#operations.run(key, (signal) => work(signal).then(onSuccess), {
      onError,
      ...(deadline ? { deadline } : {})
    })
  }

  /** Work whose failure the pod's status shows. */
  #runVisibly(
    busyKey: string,
    failureKey: string,
    work: (signal: AbortSignal) => Promise<void>,
    failureOf: (error: unknown) => { reason: string; message: string; retryAt?: Date }
  ): void {
    const onError = (error: unknown) => {
      this.#noteEngineTrouble(error)
      const { reason, message, retryAt } = failureOf(error)
      const delayMs = this.#retry.next(busyKey + failureKey)
      const retry = retryAt ?? new Date(this.#context.clock.now().getTime() + delayMs)
      this.#failures.set(failureKey, { reason, message, retryAt: retry })
      this.#logger.info('pod can not go on yet', { reason, error: message })
      return 0
    }
    const onSuccess = () => {
      this.#retry.reset(busyKey + failureKey)
      // An image that is there says nothing about why the container could not be started with it.
      const isOwn =
        imageReasons.has(this.#failures.get(failureKey)?.reason ?? '') ||
        busyKey !== busyKeys.image(failureKey)
      if (isOwn) this.#failures.delete(failureKey)
    }
    this.#operations.run(busyKey, (signal) => work(signal).then(onSuccess), { onError })
  }

  #mountVolumes(): void {
    this.#areVolumesStale = false
    const work = async () => {
      const { clock, facts } = this.#context
      await this.#volumes.mount(this.#pod, facts(this.#podIps()), clock.now())
      this.#areVolumesReady = true
    }
    this.#runVisibly(busyKeys.volumes, failureKeys.volumes, work, (error) => {
      const message = messageOf(error)
      this.#areVolumesStale = this.#areVolumesReady
      this.#event('Warning', 'FailedMount', message)
      return { reason: 'FailedMount', message }
    })
  }

  #createSandbox(): void {
    const work = async () => {
      const sandbox = await makeSandbox(this.#context, {
        pod: this.#pod,
        paths: this.#paths,
        volumes: this.#volumes.mounted,
        preferredIp: this.#lastPodIp
      })
      this.#records.sandboxes.set(sandbox.id, sandbox)
    }
    this.#runVisibly(busyKeys.sandbox, failureKeys.sandbox, work, (error) => {
      const message = messageOf(error)
      this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`)
      return { reason: 'FailedCreatePodSandBox', message }
    })
  }

  #ensureImage(name: string): void {
    const container = this.#declared(name)
    if (!container) return
    const work = async () => {
      const image = await this.#context.images.ensure(this.#pod, container, (type, reason, message) => {
        this.#event(type, reason, message, name)
      })
      this.#images.set(name, image)
    }
    this.#runVisibly(busyKeys.image(name), name, work, (error) =>
      error instanceof ImageError
        ? { reason: error.reason, message: error.message, retryAt: error.retryAt }
        : { reason: 'ImageInspectError', message: messageOf(error) }
    )
  }

  #start({ container: name, kind, attempt, backoffMs }: Extract<Action, { type: 'startContainer' }>): void {
    const container = this.#declared(name)
    const image = this.#images.get(name)
    const sandbox = this.sandbox
    if (!container || !image || !sandbox) return
    const work = async (signal: AbortSignal) => {
      try {
        await startContainer(this.#context, {
          pod: this.#pod,
          container,
          kind,
          attempt,
          backoffMs,
          sandbox,
          podIp: this.#podIp(),
          image,
          volumes: this.#volumes.mounted,
          paths: this.#paths,
          records: this.#records,
          event: this.#event,
          signal,
          onProgress: () => {
            this.#failures.delete(name)
            this.wake()
          }
        })
      } finally {
        // Each attempt looks at its image again.
        this.#images.delete(name)
      }
    }
    this.#runVisibly(busyKeys.start, name, work, (error) => ({
      reason: error instanceof StartError ? error.reason : 'CreateContainerError',
      message: messageOf(error)
    }))
  }

  #kill({ id, container, reason, graceSeconds }: Extract<Action, { type: 'killContainer' }>): void {
    const deadline = new Date(this.#context.clock.now().getTime() + graceSeconds * 1000)
    const work = (signal: AbortSignal) =>
      killContainer(this.#context, {
        pod: this.#pod,
        containerName: container,
        id,
        reason,
        graceSeconds,
        podIp: this.#podIp(),
        records: this.#records,
        event: this.#event,
        signal
      })
    this.#runSafely(busyKeys.container(id), work, deadline)
  }

  async #finish(): Promise<void> {
    const { name, namespace, uid } = this.#pod.metadata
    try {
      await this.#context.pods.delete({ name, namespace }, { gracePeriodSeconds: 0, preconditions: { uid } })
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error
    }
    // Finalizers may keep the object: then others have to act, and the next word comes with its removal.
    await new Promise<void>(() => {})
  }

  #finishIfDone(): void {
    const isEmpty = this.#records.containers.size === 0 && this.#records.sandboxes.size === 0
    if (!this.#isGone || !isEmpty || !this.#isCleanedUp) return
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

  #noteEngineTrouble(error: unknown): void {
    if (isMkError(error, 'MK_ENGINE_TIMEOUT', 'MK_ENGINE_UNREACHABLE')) this.#context.onEngineTrouble()
  }

  #allContainers() {
    return [...this.#pod.spec.containers, ...(this.#pod.spec.initContainers ?? [])]
  }

  #declared(name: string) {
    return this.#allContainers().find((container) => container.name === name)
  }

  #podIp(): string {
    return this.#pod.spec.hostNetwork === true ? this.#context.hostIp() : (this.sandbox?.ip ?? '')
  }

  #podIps(): string[] {
    const ip = this.#podIp()
    return ip === '' ? [] : [ip]
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
