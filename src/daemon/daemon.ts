import { EventEmitter } from 'node:events'
import type { ClusterState, ControlError, DaemonStatus, ProgressEvent, UpOptions } from '../base/control.js'
import type { Clock } from '../base/clock.js'
import { MkError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Cluster } from '../cluster/cluster.js'
import { controlErrorOf } from './control-error.js'
import type { ControlTarget } from './control-server.js'

interface Hosted {
  cluster: Cluster
  state: ClusterState
  error?: ControlError
  /** The operation under way; the next one waits for it. */
  busy: Promise<void>
}

/** The daemon: hosts clusters, each an object of its own, and carries out what the control socket asks. */
export class Daemon implements ControlTarget {
  readonly #options: DaemonOptions
  readonly #hosted = new Map<string, Hosted>()
  readonly #progress = new EventEmitter<{ progress: [ProgressEvent] }>()
  readonly #startedAt: string

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#startedAt = options.clock.now().toISOString()
    this.#progress.setMaxListeners(0)
  }

  status(): DaemonStatus {
    const clusters = [...this.#hosted.entries()].map(([name, { cluster, state, error }]) => ({
      ...cluster.status(),
      name,
      state,
      ...(error ? { error } : {})
    }))
    const engine = [...this.#hosted.values()].map(({ cluster }) => cluster.engine()).find(Boolean)
    return { pid: process.pid, version: this.#options.version, startedAt: this.#startedAt, engine, clusters }
  }

  async up(name: string, options: UpOptions): Promise<void> {
    const hosted = this.#host(name)
    await this.#exclusively(hosted, async () => {
      if (hosted.state === 'ready') return
      hosted.state = 'starting'
      delete hosted.error
      try {
        await hosted.cluster.start(options, (step, state) => {
          this.#progress.emit('progress', { cluster: name, step, state })
        })
        hosted.state = 'ready'
      } catch (error) {
        hosted.state = 'failed'
        hosted.error = controlErrorOf(error)
        this.#options.logger.error('the cluster did not start', { cluster: name, error })
        throw error
      }
    })
  }

  async down(name: string): Promise<void> {
    const hosted = this.#known(name)
    await this.#exclusively(hosted, async () => {
      hosted.state = 'stopping'
      await hosted.cluster.stop({ stopPods: true })
      hosted.state = 'stopped'
    })
  }

  async delete(name: string): Promise<void> {
    const hosted = this.#host(name)
    await this.#exclusively(hosted, async () => {
      hosted.state = 'stopping'
      await hosted.cluster.destroy()
      this.#hosted.delete(name)
    })
  }

  stop(): void {
    this.#options.onStop()
  }

  onProgress(listener: (event: ProgressEvent) => void): () => void {
    this.#progress.on('progress', listener)
    return () => {
      this.#progress.off('progress', listener)
    }
  }

  /** Ends all clusters' work in this process. Their pods run on: the next daemon adopts them. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#hosted.values()].map((hosted) =>
        this.#exclusively(hosted, async () => {
          if (hosted.state === 'stopped') return
          await hosted.cluster.stop({ stopPods: false })
          hosted.state = 'stopped'
        })
      )
    )
  }

  #host(name: string): Hosted {
    const known = this.#hosted.get(name)
    if (known) return known
    const hosted: Hosted = {
      cluster: this.#options.createCluster(name),
      state: 'stopped',
      busy: Promise.resolve()
    }
    this.#hosted.set(name, hosted)
    return hosted
  }

  #known(name: string): Hosted {
    const hosted = this.#hosted.get(name)
    if (!hosted)
      throw new MkError('MK_CLUSTER_UNKNOWN', `there is no cluster "${name}"`, { hint: 'mk up makes one' })
    return hosted
  }

  #exclusively(hosted: Hosted, operation: () => Promise<void>): Promise<void> {
    const result = hosted.busy.then(operation)
    hosted.busy = result.catch(() => {})
    return result
  }
}

export interface DaemonOptions {
  version: string
  clock: Clock
  logger: Logger
  createCluster: (name: string) => Cluster
  /** Asks the process to end. */
  onStop: () => void
}
