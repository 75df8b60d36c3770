import type { Readable } from 'node:stream'
import { Backoff } from '../../base/backoff.js'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { Engine } from './engine.js'
import { jsonLines } from './json-lines.js'
import { label } from './labels.js'

export interface EngineEvent {
  type: 'started' | 'exited' | 'removed'
  id: string
  name: string
  labels: Readonly<Record<string, string>>
}

const types: Record<string, EngineEvent['type']> = { start: 'started', die: 'exited', destroy: 'removed' }

interface EventAnswer {
  Action?: string
  Actor?: { ID?: string; Attributes?: Record<string, string> }
}

export interface EngineEventsOptions {
  engine: Engine
  cluster: string
  clock: Clock
  logger: Logger
  onEvent: (event: EngineEvent) => void
  onResync: () => void
}

/** Follows the engine's container events of one cluster; connects again with back-off, and says that it had to. */
export class EngineEvents {
  readonly #options: EngineEventsOptions
  readonly #backoff = new Backoff({ baseMs: 100, maxMs: 10_000 })
  #stream: Readable | undefined
  #closed = false
  #connectedBefore = false

  constructor(options: EngineEventsOptions) {
    this.#options = options
  }

  /** Resolves when events flow; later connections are its own business. */
  async start(): Promise<void> {
    const stream = await this.#connect()
    void this.#run(stream)
  }

  stop(): void {
    this.#closed = true
    this.#stream?.destroy()
  }

  async #connect(): Promise<Readable> {
    const { engine, cluster } = this.#options
    const filters = { type: ['container'], event: Object.keys(types), label: [`${label.cluster}=${cluster}`] }
    const stream = (await engine.call('follow events', () =>
      engine.docker.getEvents({ filters: JSON.stringify(filters) })
    )) as Readable
    this.#stream = stream
    this.#backoff.reset('')
    if (this.#connectedBefore) this.#options.onResync()
    this.#connectedBefore = true
    return stream
  }

  async #run(first: Readable): Promise<void> {
    let stream: Readable | undefined = first
    while (!this.#stopped()) {
      try {
        stream ??= await this.#connect()
        for await (const value of jsonLines(stream)) this.#handle(value as EventAnswer)
      } catch (error) {
        if (!this.#stopped()) this.#options.logger.debug('engine events interrupted', { error })
      }
      stream = undefined
      if (!this.#stopped())
        await new Promise<void>((resolve) => this.#options.clock.after(this.#backoff.next(''), resolve))
    }
  }

  /** A method, since the compiler would take the field for unchanged across awaits. */
  #stopped(): boolean {
    return this.#closed
  }

  #handle(value: EventAnswer): void {
    const type = types[value.Action ?? '']
    const { ID: id, Attributes: labels = {} } = value.Actor ?? {}
    if (!type || !id) return
    try {
      this.#options.onEvent({ type, id, name: labels['name'] ?? '', labels })
    } catch (error) {
      this.#options.logger.error('an event listener failed', { error })
    }
  }
}
