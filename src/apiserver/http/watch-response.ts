import type { ResourceRequest } from '../../client/transport.js'
import { statusErrors } from '../../base/status.js'
import type { StatusError } from '../../base/status.js'
import type { Core } from '../core.js'
import { watchEntities } from '../verbs/watch.js'
import type { EntityEvent, EntityWatchOptions } from '../verbs/watch.js'
import { begin, flushHead } from './exchange.js'
import type { Exchange } from './exchange.js'
import { tableOf, partialOf } from './table.js'
import type { IncludeObject } from './table.js'
import type { Representation } from './negotiation.js'

/** How far a client may fall behind in live events before it is dropped. */
const mostQueuedEvents = 2000
const writeBytes = 256 * 1024
const farewellMs = 5000

export interface WatchFormat {
  representation: Representation
  include: IncludeObject
}

/** Serves a watch as a stream of frames, one JSON document a line. Resolves when the stream has begun. */
export function serveWatch(
  core: Core,
  exchange: Exchange,
  target: ResourceRequest,
  options: EntityWatchOptions,
  format: WatchFormat
): void {
  const stream = new WatchStream(core, exchange, target, format)
  stream.start(options)
}

class WatchStream {
  readonly #core: Core
  readonly #exchange: Exchange
  readonly #target: ResourceRequest
  readonly #format: WatchFormat
  /** Frames are made when they are written: a queued event costs no bytes. */
  #queue: EntityEvent[] = []
  /** Events of the queue that are the initial state. */
  #initial = 0
  #blocked = false
  #ended = false
  #headers = true

  constructor(core: Core, exchange: Exchange, target: ResourceRequest, format: WatchFormat) {
    this.#core = core
    this.#exchange = exchange
    this.#target = target
    this.#format = format
  }

  start(options: EntityWatchOptions): void {
    const { response } = this.#exchange
    const handle = watchEntities(this.#core, this.#target, options, {
      onEvents: (events, initial) => {
        this.#accept(events, initial)
      },
      onEnd: (error) => {
        this.#end(error)
      }
    })
    response.once('close', () => {
      this.#ended = true
      this.#queue = []
      handle.close()
    })
    response.on('error', () => {})
    response.on('drain', () => {
      this.#blocked = false
      this.#pump()
    })
    begin(this.#exchange, 200, 'application/json')
    flushHead(this.#exchange)
  }

  #accept(events: readonly EntityEvent[], initial: boolean): void {
    if (this.#ended) return
    for (const event of events) this.#queue.push(event)
    if (initial) this.#initial += events.length
    this.#pump()
    if (this.#queue.length - this.#initial > mostQueuedEvents) {
      this.#core.logger.info('dropped a watcher that does not read', {
        user: this.#exchange.user.name,
        path: this.#exchange.path
      })
      this.#queue = []
      this.#end(statusErrors.expired('the watch fell too far behind: list again'))
    }
  }

  #pump(): void {
    while (!this.#blocked && !this.#ended && this.#queue.length > 0) {
      const frames: Buffer[] = []
      let size = 0
      let taken = 0
      for (const event of this.#queue) {
        const frame = this.#frame(event)
        frames.push(frame)
        taken++
        size += frame.length
        if (size >= writeBytes) break
      }
      this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken)
      this.#initial = Math.max(0, this.#initial - taken)
      const only = frames.length === 1 ? frames[0] : undefined
      this.#blocked = !this.#write(only ?? Buffer.concat(frames, size))
    }
  }

  #write(bytes: Buffer): boolean {
    return (this.#exchange.response as { write: (chunk: Buffer) => boolean }).write(bytes)
  }

  #frame({ type, entity }: EntityEvent): Buffer {
    const { representation, include } = this.#format
    switch (representation.as) {
      case 'object':
        return entity.frame(type)
      case 'partial':
        return line(type, partialOf(entity.object, representation.version))
      case 'table': {
        const { object } = entity
        const { resourceVersion } = object.metadata
        const headers = this.#headers
        this.#headers = false
        const now = this.#core.clock.now()
        const { version } = representation
        const rows = type === 'BOOKMARK' ? [] : [object]
        const options = { kind: this.#target.kind, version, include, now, headers }
        return line(type, tableOf(rows, { resourceVersion }, options))
      }
    }
  }

  /** Ends cleanly: with an ERROR event if there is a reason. A client that does not read is cut off after a while. */
  #end(error?: StatusError): void {
    if (this.#ended) return
    const { response } = this.#exchange
    if (error) this.#write(line('ERROR', error.status))
    this.#ended = true
    response.end()
    const cancel = this.#core.clock.after(farewellMs, () => response.destroy())
    response.once('close', cancel)
  }
}

const line = (type: string, object: unknown): Buffer => Buffer.from(`${JSON.stringify({ type, object })}\n`)
