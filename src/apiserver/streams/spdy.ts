import { Duplex } from 'node:stream'
import { constants, createInflate } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import { spdyDictionary } from './spdy-dictionary.js'

/**
 * The server's side of SPDY/3.1 framing, as kubectl and client-go use it for exec, attach and port-forward: over a
 * socket after `Upgrade: SPDY/3.1`, or tunnelled in a WebSocket. Go's implementation (moby/spdystream) neither sends
 * nor heeds window updates, so flow control is the transport's: while one stream's reader lags by more than
 * `streamBufferBytes`, the connection is not read on.
 */

const frame = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8
} as const
const rstStatus = { internalError: 6, cancel: 5 } as const
const flagFin = 1
const streamBufferBytes = 1024 * 1024
const maxHeaderBlockBytes = 64 * 1024
const maxDataBytes = 0xffffff

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, index * 4)
  })
  return bytes
}

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  return Buffer.concat([uint32((0x8003 << 16) | type, (flags << 24) | body.length), body])
}

/** An empty header block as stored deflate blocks: needs no compressor; the first one carries the zlib header. */
function emptyHeaderBlock(first: boolean): Buffer {
  const block = uint32(0)
  const stored = Buffer.alloc(5)
  stored.writeUInt16LE(block.length, 1)
  stored.writeUInt16LE(~block.length & 0xffff, 3)
  const syncFlush = Buffer.from([0, 0, 0, 0xff, 0xff])
  return Buffer.concat([first ? Buffer.from([0x78, 0x01]) : Buffer.alloc(0), stored, block, syncFlush])
}

function parseHeaderBlock(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {}
  let offset = 4
  const text = () => {
    const length = block.readUInt32BE(offset)
    offset += 4 + length
    if (offset > block.length) throw new RangeError('SPDY header block is cut short')
    return block.toString('latin1', offset - length, offset)
  }
  for (let left = block.readUInt32BE(0); left > 0; left--) headers[text().toLowerCase()] = text()
  return headers
}

/** One stream of a SPDY connection; `headers` are lower-case. */
export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: Readonly<Record<string, string>>
  readonly #connection: SpdyConnection
  #remoteEnded = false

  constructor(connection: SpdyConnection, id: number, headers: Record<string, string>) {
    super({ allowHalfOpen: true, readableHighWaterMark: streamBufferBytes })
    this.#connection = connection
    this.id = id
    this.headers = headers
  }

  /** Takes in a data frame; false asks the connection to read no further. */
  receive(data: Buffer, fin: boolean): boolean {
    const more = data.length === 0 || this.push(data)
    if (fin && !this.#remoteEnded) {
      this.#remoteEnded = true
      this.push(null)
    }
    return more
  }

  override _read(): void {
    this.#connection.readOn(this.id)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, 0, chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, flagFin, Buffer.alloc(0), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const complete = error === null && this.#remoteEnded && this.writableFinished
    this.#connection.forget(
      this.id,
      complete ? undefined : error ? rstStatus.internalError : rstStatus.cancel
    )
    done(error)
  }
}

export class SpdyConnection {
  readonly #socket: Duplex
  readonly #onStream: (stream: SpdyStream) => void
  readonly #streams = new Map<number, SpdyStream>()
  readonly #inflate = createInflate({
    dictionary: spdyDictionary,
    flush: constants.Z_SYNC_FLUSH,
    finishFlush: constants.Z_SYNC_FLUSH,
    // A larger block would wait for a reader for ever; so would a bomb.
    readableHighWaterMark: maxHeaderBlockBytes
  } as ZlibOptions)

  readonly #lagging = new Set<number>()
  #wake: (() => void) | undefined
  #closed = false
  #replied = false

  /** Serves the connection until its socket ends; `onStream` hears of each stream that the client opens. */
  constructor(socket: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#socket = socket
    this.#onStream = onStream
    socket.on('close', () => {
      this.#end()
    })
    socket.on('error', () => {
      this.#end()
    })
    this.#inflate.on('error', () => {
      socket.destroy()
    })
    this.#readFrames()
      .catch(() => {
        socket.destroy()
      })
      .finally(() => {
        this.#end()
      })
  }

  /** Ends the connection once what was written is out. */
  close(): void {
    if (!this.#socket.writableEnded) this.#socket.end()
  }

  sendData(id: number, flags: number, data: Buffer, done: (error?: Error | null) => void): void {
    if (this.#unwritable()) {
      done()
      return
    }
    this.#socket.cork()
    let offset = 0
    do {
      const part = data.subarray(offset, offset + maxDataBytes)
      offset += part.length
      const last = offset >= data.length
      this.#socket.write(uint32(id, ((last ? flags : 0) << 24) | part.length))
      this.#socket.write(
        part,
        last
          ? (error) => {
              done(error)
            }
          : undefined
      )
    } while (offset < data.length)
    this.#socket.uncork()
  }

  /** A stream has ended here; with a status the peer is told that it was cut off. */
  forget(id: number, status: number | undefined): void {
    const known = this.#streams.delete(id)
    if (known && status !== undefined) this.#send(controlFrame(frame.rstStream, 0, uint32(id, status)))
    this.readOn(id)
  }

  readOn(id: number): void {
    if (!this.#lagging.delete(id) || this.#lagging.size > 0) return
    this.#wake?.()
    this.#wake = undefined
  }

  #unwritable(): boolean {
    return this.#closed || this.#socket.destroyed || this.#socket.writableEnded
  }

  #send(bytes: Buffer): void {
    if (!this.#unwritable()) this.#socket.write(bytes)
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    for (const stream of this.#streams.values()) stream.destroy()
    this.#streams.clear()
    this.#inflate.close()
    this.#wake?.()
  }

  async #readFrames(): Promise<void> {
    const reader = new ByteReader(this.#socket)
    for (;;) {
      const head = await reader.take(8)
      if (!head) return
      const word = head.readUInt32BE(0)
      const flags = head.readUInt8(4)
      const body = await reader.take(head.readUInt32BE(4) & 0xffffff)
      if (!body) return
      if (word >= 0x80000000) await this.#onControl(word, flags, body)
      else await this.#onData(word, flags, body)
    }
  }

  async #onData(id: number, flags: number, body: Buffer): Promise<void> {
    const more = this.#streams.get(id)?.receive(body, (flags & flagFin) !== 0) ?? true
    if (more) return
    this.#lagging.add(id)
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  async #onControl(word: number, flags: number, body: Buffer): Promise<void> {
    if (((word >>> 16) & 0x7fff) !== 3) throw new RangeError('not SPDY version 3')
    switch (word & 0xffff) {
      case frame.synStream:
        return this.#open(flags, body)
      case frame.rstStream:
        this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.destroy()
        return
      // Header blocks share one compression state: each must be inflated, wanted or not.
      case frame.headers:
        await this.#inflateBlock(body.subarray(4))
        return
      // A client's pings have odd numbers; even ones answer ours, which we don't send.
      case frame.ping:
        if (body.readUInt32BE(0) & 1) this.#send(controlFrame(frame.ping, 0, Buffer.from(body)))
    }
  }

  async #open(flags: number, body: Buffer): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff
    const stream = new SpdyStream(this, id, parseHeaderBlock(await this.#inflateBlock(body.subarray(10))))
    // A stream that breaks is dealt with by whoever uses it; without a listener it would end the process.
    stream.on('error', () => {})
    this.#streams.set(id, stream)
    this.#send(controlFrame(frame.synReply, 0, Buffer.concat([uint32(id), emptyHeaderBlock(!this.#replied)])))
    this.#replied = true
    if (flags & flagFin) stream.receive(Buffer.alloc(0), true)
    this.#onStream(stream)
  }

  #inflateBlock(block: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#inflate.write(block, (error) => {
        const text = this.#inflate.read() as Buffer | null
        if (error) reject(error)
        else resolve(text ?? Buffer.alloc(0))
      })
    })
  }
}

/** Reads exact numbers of bytes from a stream. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #held: Buffer[] = []
  #length = 0

  constructor(source: Duplex) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** undefined when the stream ended before. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.#length < count) {
      const next = await this.#chunks.next()
      if (next.done) return undefined
      this.#held.push(next.value)
      this.#length += next.value.length
    }
    const all = this.#held.length === 1 && this.#held[0] ? this.#held[0] : Buffer.concat(this.#held)
    this.#held = [all.subarray(count)]
    this.#length -= count
    return all.subarray(0, count)
  }
}
