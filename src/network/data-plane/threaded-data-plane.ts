import { Worker } from 'node:worker_threads'
import { Backoff } from '../../base/backoff.js'
import type { Clock } from '../../base/clock.js'
import { MkError } from '../../base/errors.js'
import type { LogLevel, Logger } from '../../base/logger.js'
import type { IngressModel } from '../ingress/ingress-model.js'
import { modelKey } from '../services/service-model.js'
import type { ServiceModel } from '../services/service-model.js'
import type {
  DataPlane,
  DataPlaneConfig,
  DataPlaneEvent,
  DataPlanePorts,
  DataPlaneUpdate,
  MessageFromWorker,
  MessageToWorker
} from './contract.js'

export interface ThreadedDataPlaneOptions {
  config: DataPlaneConfig
  /** The worker's program: worker.ts, or what it was bundled to. */
  workerUrl: URL
  clock: Clock
  logger: Logger
  onEvent(event: DataPlaneEvent): void
  /** After a restart, should the ports be others. */
  onPorts(ports: DataPlanePorts): void
}

const stopTimeoutMs = 2000

/**
 * The data plane in a thread of its own, so that a busy control plane never holds up traffic. Should the thread die,
 * it is started again with all it knew, on the same ports.
 */
export class ThreadedDataPlane implements DataPlane {
  readonly #options: ThreadedDataPlaneOptions
  readonly #services = new Map<string, ServiceModel>()
  readonly #backoff = new Backoff({ baseMs: 100, maxMs: 30_000 })
  #ingresses: readonly IngressModel[] | undefined
  #config: DataPlaneConfig
  #worker: Worker | undefined
  #stopped = false
  #onStopped: () => void = () => {}

  constructor(options: ThreadedDataPlaneOptions) {
    this.#options = options
    this.#config = options.config
  }

  async start(): Promise<DataPlanePorts> {
    const ports = await this.#launch().catch(async (error: unknown) => {
      this.#stopped = true
      const worker = this.#worker
      this.#worker = undefined
      await worker?.terminate()
      throw error
    })
    this.#config = {
      ...this.#config,
      dnsPorts: [ports.dns, ...this.#config.dnsPorts],
      httpPorts: [ports.http, ...this.#config.httpPorts],
      httpsPorts: [ports.https, ...this.#config.httpsPorts]
    }
    return ports
  }

  update(update: DataPlaneUpdate): void {
    for (const key of update.removed) this.#services.delete(key)
    for (const model of update.services) this.#services.set(modelKey(model), model)
    this.#ingresses = update.ingresses ?? this.#ingresses
    this.#send({ type: 'update', update })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const worker = this.#worker
    if (!worker) return
    await new Promise<void>((resolve) => {
      this.#onStopped = resolve
      this.#options.clock.after(stopTimeoutMs, resolve)
      worker.once('exit', () => {
        resolve()
      })
      this.#send({ type: 'stop' })
    })
    await worker.terminate()
  }

  #send(message: MessageToWorker): void {
    this.#worker?.postMessage(message)
  }

  #launch(): Promise<DataPlanePorts> {
    const worker = new Worker(this.#options.workerUrl)
    this.#worker = worker
    this.#send({ type: 'start', config: this.#config })
    const services = [...this.#services.values()]
    const ingresses = this.#ingresses ? { ingresses: this.#ingresses } : {}
    if (services.length > 0 || this.#ingresses)
      this.#send({ type: 'update', update: { services, removed: [], ...ingresses } })
    return new Promise((resolve, reject) => {
      let started = false
      worker.on('message', (message: MessageFromWorker) => {
        if (message.type === 'started') {
          started = true
          this.#backoff.reset('')
          resolve(message.ports)
        } else if (message.type === 'failed') {
          const { code, hint } = message
          reject(new MkError(code ?? 'MK_DAEMON_START', message.message, hint === undefined ? {} : { hint }))
        } else this.#receive(message)
      })
      worker.on('error', (error) => {
        this.#options.logger.error('the data plane failed', { error })
      })
      worker.on('exit', (code) => {
        if (this.#stopped) return
        if (started) this.#restart()
        else
          reject(
            new MkError('MK_DAEMON_START', `the data plane ended with code ${String(code)} at its start`)
          )
      })
    })
  }

  #restart(): void {
    this.#worker = undefined
    this.#options.clock.after(this.#backoff.next(''), () => {
      if (this.#stopped) return
      this.#launch().then(
        (ports) => {
          this.#options.onPorts(ports)
        },
        (error: unknown) => {
          this.#options.logger.error('the data plane did not start again', { error })
          void this.#worker?.terminate()
          this.#restart()
        }
      )
    })
  }

  #receive(message: Exclude<MessageFromWorker, { type: 'started' | 'failed' }>): void {
    if (message.type === 'event') this.#options.onEvent(message.event)
    else if (message.type === 'stopped') this.#onStopped()
    else this.#log(message.line)
  }

  #log(line: string): void {
    const { level, message, time, ...fields } = JSON.parse(line) as {
      level: LogLevel
      message: string
      time: string
    }
    this.#options.logger[level](message, { ...fields, at: time })
  }
}
