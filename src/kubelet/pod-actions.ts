import type { Pod } from '../api/types.js'
import { Backoff } from '../base/backoff.js'
import { isMkError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { isReason } from '../base/status.js'
import type { ImageState, Sandbox } from '../runtime/runtime.js'
import type { Action } from './action.js'
import { killContainer } from './container-killer.js'
import { StartError, startContainer } from './container-starter.js'
import { ImageError } from './images/image-manager.js'
import type { NodeContext } from './node-context.js'
import { Operations } from './operations.js'
import type { PodPaths } from './pod-directory.js'
import type { EmitEvent } from './pod-events.js'
import type { PodRecords } from './pod-records.js'
import type { Failure, PodView } from './pod-view.js'
import { busyKeys, failureKeys } from './pod-view.js'
import { PodVolumes } from './pod-volumes.js'
import { makeSandbox } from './sandbox-maker.js'

const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError'
])

/** The pod as its worker knows it, asked anew by each action. */
export interface ActionSubject {
  pod: () => Pod
  podIp: () => string
  /** The address to ask for again when the sandbox is lost. */
  lastPodIp: () => string | undefined
  sandbox: () => Sandbox | undefined
}

export interface PodActionsOptions {
  context: NodeContext
  subject: ActionSubject
  paths: PodPaths
  records: PodRecords
  logger: Logger
  event: EmitEvent
  /** Writes the status as it is now. */
  flushStatus: () => Promise<void>
  /** Something has begun, ended or changed: the pod is to be planned again. */
  onChange: () => void
}

/**
 * Carries out what has been planned for one pod, and holds what came of it: volumes mounted, images there, failures
 * with the time of their next try.
 */
export class PodActions {
  readonly #options: PodActionsOptions
  readonly #context: NodeContext
  readonly #subject: ActionSubject
  readonly #records: PodRecords
  readonly #logger: Logger
  readonly #event: EmitEvent
  readonly #operations: Operations
  readonly #volumes: PodVolumes
  readonly #retry: Backoff
  readonly #failures = new Map<string, Failure>()
  readonly #images = new Map<string, ImageState>()
  #areVolumesReady = false
  #areVolumesStale = false
  #isFinalStatusReported = false
  #isCleanedUp = false

  constructor(options: PodActionsOptions) {
    const { context, subject, paths, records, logger, event, onChange } = options
    const { clock, runtime, sources, timing } = context
    this.#options = options
    this.#context = context
    this.#subject = subject
    this.#records = records
    this.#logger = logger
    this.#event = event
    this.#operations = new Operations(clock, onChange)
    this.#volumes = new PodVolumes({ paths, sources, engineVolumes: runtime.volumes })
    this.#retry = new Backoff({ baseMs: timing.retryMs, maxMs: timing.retryMaxMs })
  }

  /** Rises with whatever begins or ends. */
  get activity(): number {
    return this.#operations.activity
  }

  get busy(): ReadonlyMap<string, { deadline?: Date }> {
    return this.#operations.busy
  }

  get isCleanedUp(): boolean {
    return this.#isCleanedUp
  }

  /** What planning needs to know of it. */
  get view() {
    return {
      failures: this.#failures,
      imagesReady: new Set(this.#images.keys()),
      areVolumesReady: this.#areVolumesReady,
      areVolumesStale: this.#areVolumesStale,
      busy: this.#operations.busy,
      isFinalStatusReported: this.#isFinalStatusReported,
      isCleanedUp: this.#isCleanedUp
    } satisfies Partial<PodView>
  }

  /** When something in the volumes has to be made anew. */
  get refreshAt(): Date | undefined {
    return this.#volumes.refreshAt
  }

  markVolumesStale(): void {
    this.#areVolumesStale = true
  }

  /** The definition has changed: images are looked at again. */
  forgetImages(): void {
    this.#images.clear()
  }

  /** Something that the pod reads from the API has changed: volumes are brought up to date, errors tried again. */
  refreshSources(): void {
    this.#areVolumesStale = (this.#subject.pod().spec.volumes ?? []).length > 0
    const now = this.#context.clock.now()
    for (const [key, failure] of this.#failures) {
      const isAboutSources = key === failureKeys.volumes || failure.reason === 'CreateContainerConfigError'
      if (isAboutSources) this.#failures.set(key, { ...failure, retryAt: now })
    }
  }

  /** Ends what leads to a start: the pod is about to end. */
  abortStarts(): void {
    this.#operations.abort(busyKeys.start)
    for (const { name } of this.#allContainers()) this.#operations.abort(busyKeys.image(name))
  }

  run(action: Action): void {
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
          await this.#options.flushStatus()
          this.#isFinalStatusReported = true
        })
        return
      case 'cleanUp':
        this.#runSafely(busyKeys.cleanUp, async () => {
          await this.#volumes.unmount(this.#subject.pod())
          this.#context.images.forgetPod(this.#subject.pod().metadata.uid)
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
      // A pod that goes away together with what it needs is nothing to report.
      this.#logger[this.#isDeleted ? 'debug' : 'info']('pod can not go on yet', { reason, error: message })
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
      await this.#volumes.mount(this.#subject.pod(), facts(this.#podIps()), clock.now())
      this.#areVolumesReady = true
    }
    this.#runVisibly(busyKeys.volumes, failureKeys.volumes, work, (error) => {
      const message = messageOf(error)
      this.#areVolumesStale = this.#areVolumesReady
      if (!this.#isDeleted) this.#event('Warning', 'FailedMount', message)
      return { reason: 'FailedMount', message }
    })
  }

  #createSandbox(): void {
    const work = async () => {
      const sandbox = await makeSandbox(this.#context, {
        pod: this.#subject.pod(),
        paths: this.#options.paths,
        volumes: this.#volumes.mounted,
        preferredIp: this.#subject.lastPodIp()
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
      const image = await this.#context.images.ensure(
        this.#subject.pod(),
        container,
        (type, reason, message) => {
          this.#event(type, reason, message, name)
        }
      )
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
    const sandbox = this.#subject.sandbox()
    if (!container || !image || !sandbox) return
    const work = async (signal: AbortSignal) => {
      try {
        await startContainer(this.#context, {
          pod: this.#subject.pod(),
          container,
          kind,
          attempt,
          backoffMs,
          sandbox,
          podIp: this.#subject.podIp(),
          image,
          volumes: this.#volumes.mounted,
          paths: this.#options.paths,
          records: this.#records,
          event: this.#event,
          signal,
          onProgress: () => {
            this.#failures.delete(name)
            this.#options.onChange()
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
        pod: this.#subject.pod(),
        containerName: container,
        id,
        reason,
        graceSeconds,
        podIp: this.#subject.podIp(),
        records: this.#records,
        event: this.#event,
        signal
      })
    this.#runSafely(busyKeys.container(id), work, deadline)
  }

  async #finish(): Promise<void> {
    const { name, namespace, uid } = this.#subject.pod().metadata
    try {
      await this.#context.pods.delete({ name, namespace }, { gracePeriodSeconds: 0, preconditions: { uid } })
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error
    }
    // Finalizers may keep the object: then others have to act, and the next word comes with its removal.
    await new Promise<void>(() => {})
  }

  #noteEngineTrouble(error: unknown): void {
    if (isMkError(error, 'MK_ENGINE_TIMEOUT', 'MK_ENGINE_UNREACHABLE')) this.#context.onEngineTrouble()
  }

  get #isDeleted(): boolean {
    return this.#subject.pod().metadata.deletionTimestamp !== undefined
  }

  #allContainers() {
    const { containers, initContainers = [] } = this.#subject.pod().spec
    return [...containers, ...initContainers]
  }

  #declared(name: string) {
    return this.#allContainers().find((container) => container.name === name)
  }

  #podIps(): string[] {
    const ip = this.#subject.podIp()
    return ip === '' ? [] : [ip]
  }
}
