import { isDeepStrictEqual } from 'node:util'
import type { Pod, PodStatus } from '../api/types.js'
import { Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { isReason } from '../base/status.js'
import type { ResourceClient } from '../client/client.js'

export interface StatusWriterOptions {
  pods: ResourceClient<Pod>
  clock: Clock
  logger: Logger
  /** The newest pod object known; undefined once there is none. */
  current: () => Pod | undefined
  /** The status as it should be now, on top of that object. Pure. */
  render: (pod: Pod) => PodStatus
  /** A write or read has brought a newer object. */
  onFresh: (pod: Pod) => void
}

/**
 * Keeps the API's status of one pod equal to what `render` gives: one write at a time, always of the newest state, by
 * compare-and-swap, and none when nothing differs. So an older state can never overwrite a newer one.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #backoff = new Backoff({ baseMs: 50, maxMs: 10_000 })
  #isDirty = false
  #isStopped = false
  #running: Promise<void> | undefined
  #cancelRetry: () => void = () => {}
  #flushes: (() => void)[] = []

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  /** The state may have changed. */
  request(): void {
    this.#isDirty = true
    this.#running ??= this.#loop()
  }

  /** Resolves when the state as of now is in the API, or the pod is not. */
  async flush(): Promise<void> {
    const flushed = new Promise<void>((resolve) => this.#flushes.push(resolve))
    this.request()
    await flushed
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelRetry()
    this.#settle()
  }

  async #loop(): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false
      try {
        await this.#write()
        this.#backoff.reset('')
      } catch (error) {
        this.#options.logger.warn('pod status not written', { error })
        this.#isDirty = true
        await new Promise<void>((resolve) => {
          this.#cancelRetry = this.#options.clock.after(this.#backoff.next(''), resolve)
        })
      }
    }
    this.#running = undefined
    this.#settle()
  }

  async #write(): Promise<void> {
    const pod = this.#options.current()
    if (!pod) return
    const status = this.#options.render(pod)
    if (isSame(status, pod.status)) return
    try {
      this.#fresh(pod, await this.#options.pods.updateStatus({ ...pod, status }))
    } catch (error) {
      if (isReason(error, 'NotFound')) return
      if (!isReason(error, 'Conflict')) throw error
      this.#isDirty = await this.#refresh(pod)
    }
  }

  async #refresh(pod: Pod): Promise<boolean> {
    try {
      const { name, namespace } = pod.metadata
      return this.#fresh(pod, await this.#options.pods.get({ name, namespace }))
    } catch (error) {
      if (isReason(error, 'NotFound')) return false
      throw error
    }
  }

  /** A pod of the same name that is another one is none of this writer's business. */
  #fresh(pod: Pod, answer: Pod): boolean {
    if (answer.metadata.uid !== pod.metadata.uid) return false
    this.#options.onFresh(answer)
    return true
  }

  #settle(): void {
    for (const resolve of this.#flushes.splice(0)) resolve()
  }
}

// Members that are undefined do not exist in JSON.
const isSame = (a: unknown, b: unknown): boolean => isDeepStrictEqual(plain(a), plain(b))
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))
