import type { Container, Pod } from '../../api/types.js'
import { Backoff } from '../../base/backoff.js'
import type { Clock } from '../../base/clock.js'
import { messageOf } from '../../base/errors.js'
import type { Images, ImageState, RegistryAuth } from '../../runtime/runtime.js'
import type { VolumeSources } from '../../volumes/volume.js'
import { credentialsFor } from './credentials.js'
import { parseImageReference } from './reference.js'

/** Why an image is not there; reason and message of the waiting state, with upstream's names. */
export class ImageError extends Error {
  override readonly name = 'ImageError'
  readonly reason: 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName'
  readonly retryAt: Date
  constructor(reason: ImageError['reason'], message: string, retryAt: Date) {
    super(message)
    this.reason = reason
    this.retryAt = retryAt
  }
}

export type ImageEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void

export interface ImageManagerOptions {
  images: Images
  sources: Pick<VolumeSources, 'secret'>
  clock: Clock
  /** The user's `~/.docker/config.json`; undefined: none. */
  dockerConfigPath: string | undefined
  backoffMs: number
  backoffMaxMs: number
  /** A pull of what is there already is given up when it makes no progress for so long. */
  stalledMs?: number
}

/**
 * Sees to images (kubelet images.imageManager): pulls run in parallel, one per image; failures back off per pod and
 * image. One difference from upstream: the API fills in policy Always for `:latest` and untagged names, and nothing
 * tells that from a choice of the user's. So for Always an image that is on the engine is good enough when it was
 * built there (it has no repository digest) or when the pull fails, which an event reports.
 */
export class ImageManager {
  readonly #options: ImageManagerOptions
  readonly #pulls = new Map<string, Promise<ImageState>>()
  readonly #backoff: Backoff
  readonly #failed = new Map<string, { until: Date; message: string }>()

  constructor(options: ImageManagerOptions) {
    this.#options = options
    this.#backoff = new Backoff({ baseMs: options.backoffMs, maxMs: options.backoffMaxMs })
  }

  /** @throws ImageError */
  async ensure(pod: Pod, container: Container, event: ImageEvent): Promise<ImageState> {
    const image = container.image ?? ''
    const policy = container.imagePullPolicy ?? 'IfNotPresent'
    if (!parseImageReference(image)) {
      const text = `couldn't parse image name "${image}": invalid reference format`
      const message = `Failed to apply default image tag "${image}": ${text}`
      event('Warning', 'InspectFailed', message)
      throw new ImageError('InvalidImageName', message, this.#later(this.#options.backoffMaxMs))
    }
    const local = await this.#options.images.inspect(image)
    const isBuiltHere = local?.digests.length === 0
    if (local && (policy !== 'Always' || isBuiltHere)) {
      event('Normal', 'Pulled', `Container image "${image}" already present on machine`)
      return local
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`
      event('Warning', 'ErrImageNeverPull', message)
      throw new ImageError('ErrImageNeverPull', message, this.#later(this.#options.backoffMs))
    }
    return this.#pullWithBackoff(pod, image, local, event)
  }

  async #pullWithBackoff(
    pod: Pod,
    image: string,
    local: ImageState | undefined,
    event: ImageEvent
  ): Promise<ImageState> {
    const key = `${pod.metadata.uid}/${image}`
    const failed = this.#failed.get(key)
    if (failed && failed.until > this.#options.clock.now()) {
      event('Normal', 'BackOff', `Back-off pulling image "${image}"`)
      const message = `Back-off pulling image "${image}": ${failed.message}`
      throw new ImageError('ImagePullBackOff', message, failed.until)
    }
    event('Normal', 'Pulling', `Pulling image "${image}"`)
    const startedMs = this.#options.clock.now().getTime()
    try {
      const pulled = await this.#pull(pod, image, local !== undefined)
      this.#forget(key)
      const took = `${String((this.#options.clock.now().getTime() - startedMs) / 1000)}s`
      const size = `Image size: ${String(pulled.sizeBytes)} bytes.`
      event(
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${took} (${took} including waiting). ${size}`
      )
      return pulled
    } catch (error) {
      const message = messageOf(error)
      event('Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
      if (local) {
        event(
          'Normal',
          'Pulled',
          `Container image "${image}" could not be pulled; using the one on the machine`
        )
        this.#forget(key)
        return local
      }
      const until = this.#later(this.#backoff.next(key))
      // The engine's words often leave out what it was asked for.
      const named = `failed to pull image "${image}": ${message}`
      this.#failed.set(key, { until, message: `ErrImagePull: ${named}` })
      event('Warning', 'Failed', 'Error: ErrImagePull')
      // Planned again at once, the container shows ImagePullBackOff until the delay is over, as upstream does.
      throw new ImageError('ErrImagePull', named, this.#later(this.#options.backoffMs / 5))
    }
  }

  /** Pods that want the same image with the same secrets share one pull. */
  async #pull(pod: Pod, image: string, isThere: boolean): Promise<ImageState> {
    const secrets = (pod.spec.imagePullSecrets ?? []).map(({ name }) => name ?? '')
    const key = JSON.stringify([image, secrets.length > 0 ? pod.metadata.namespace : '', secrets])
    const running = this.#pulls.get(key)
    if (running) return running
    const pull = this.#pullWithCredentials(pod, image, isThere).finally(() => this.#pulls.delete(key))
    this.#pulls.set(key, pull)
    return pull
  }

  async #pullWithCredentials(pod: Pod, image: string, isThere: boolean): Promise<ImageState> {
    const credentials = await credentialsFor(image, pod, this.#options)
    const tries: (RegistryAuth | undefined)[] = credentials.length > 0 ? credentials : [undefined]
    let failure: unknown
    for (const auth of tries) {
      try {
        return await this.#pullOnce(image, auth, isThere)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  async #pullOnce(image: string, auth: RegistryAuth | undefined, isThere: boolean): Promise<ImageState> {
    const { clock, images, stalledMs = 10_000 } = this.#options
    const controller = new AbortController()
    let cancel: () => void = () => {}
    const watch = () => {
      cancel()
      if (isThere) {
        cancel = clock.after(stalledMs, () => {
          controller.abort(new Error(`the registry did not answer within ${String(stalledMs / 1000)} s`))
        })
      }
    }
    watch()
    try {
      return await images.pull(image, {
        ...(auth ? { auth } : {}),
        signal: controller.signal,
        onProgress: watch
      })
    } finally {
      cancel()
    }
  }

  /** Lets go of what is remembered of a pod. */
  forgetPod(uid: string): void {
    for (const key of [...this.#failed.keys()]) if (key.startsWith(`${uid}/`)) this.#forget(key)
  }

  #forget(key: string): void {
    this.#failed.delete(key)
    this.#backoff.reset(key)
  }

  #later(ms: number): Date {
    return new Date(this.#options.clock.now().getTime() + ms)
  }
}
