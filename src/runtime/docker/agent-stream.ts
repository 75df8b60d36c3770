import { Duplex } from 'node:stream'
import { MkError } from '../../base/errors.js'
import { frameType, streamWindowBytes, u32, type Frame } from './agent-protocol.js'

/** A TCP connection that the agent made inside a pod, relayed in frames with credit in both directions. */
export class AgentStream extends Duplex {
  readonly #send: (type: number, payload: Buffer) => void
  readonly #onGone: () => void
  /** Bytes that the agent can still take. */
  #credit = streamWindowBytes
  #blocked: { data: Buffer; done: (error?: Error | null) => void } | undefined
  /** Bytes that wait for the reader here, granted again when it takes them. */
  #inbox: Buffer[] = []
  #gone = false

  constructor(options: { send: (type: number, payload: Buffer) => void; onGone: () => void }) {
    super({ allowHalfOpen: true })
    this.#send = options.send
    this.#onGone = options.onGone
  }

  /** A frame of this stream came. */
  receive({ type, payload }: Frame): void {
    if (type === frameType.data) {
      this.#inbox.push(payload)
      this.#deliver()
    } else if (type === frameType.end) {
      this.#inbox.push(Buffer.alloc(0))
      this.#deliver()
    } else if (type === frameType.credit) {
      this.#credit += payload.readUInt32BE(0)
      this.#flush()
    } else if (type === frameType.close) {
      this.#gone = true
      this.destroy(new MkError('MK_ENGINE_FAILED', 'the connection in the pod was reset'))
    }
  }

  #reading = false

  override _read(): void {
    this.#reading = true
    this.#deliver()
  }

  #deliver(): void {
    while (this.#reading) {
      const data = this.#inbox.shift()
      if (!data) return
      if (data.length === 0) {
        this.push(null)
        return
      }
      this.#reading = this.push(data)
      if (!this.#gone) this.#send(frameType.credit, u32(data.length))
    }
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#blocked = { data, done }
    this.#flush()
  }

  #flush(): void {
    const blocked = this.#blocked
    if (!blocked || this.#credit === 0 || this.#gone) return
    const part = blocked.data.subarray(0, this.#credit)
    this.#credit -= part.length
    this.#send(frameType.data, part)
    if (part.length === blocked.data.length) {
      this.#blocked = undefined
      blocked.done()
    } else {
      blocked.data = blocked.data.subarray(part.length)
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#gone) this.#send(frameType.end, Buffer.alloc(0))
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // After both ends the agent has dropped the stream already; telling it again does no harm.
    if (!this.#gone) this.#send(frameType.close, Buffer.alloc(0))
    this.#gone = true
    this.#blocked?.done(error ?? new Error('closed'))
    this.#blocked = undefined
    this.#onGone()
    done(error)
  }
}
