import { Transform, type Readable, type TransformCallback, type Writable } from 'node:stream'

const headerBytes = 8

/**
 * Splits the engine's multiplexed stream into frames: 1 byte stream (1 stdout, 2 stderr), 3 zero bytes, 4 bytes length
 * (big endian), then the bytes. Payload is passed on as it comes, never gathered.
 */
export class FrameSplitter {
  #header = Buffer.alloc(0)
  #left = 0
  #stream = 1

  /** Calls `onData` for each run of payload in the chunk. */
  push(chunk: Buffer, onData: (stream: number, data: Buffer) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left === 0) {
        const wanted = headerBytes - this.#header.length
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + wanted)])
        at += wanted
        if (this.#header.length < headerBytes) return
        this.#stream = this.#header[0] ?? 1
        this.#left = this.#header.readUInt32BE(4)
        this.#header = Buffer.alloc(0)
        continue
      }
      const data = chunk.subarray(at, at + this.#left)
      at += data.length
      this.#left -= data.length
      onData(this.#stream, data)
    }
  }
}

/** Both streams in the order in which they were written. */
export function interleaved(): Transform {
  const splitter = new FrameSplitter()
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      splitter.push(chunk, (_stream, data) => this.push(data))
      done()
    }
  })
}

/**
 * Sends stdout and stderr of `source` to their own streams, ends both when it ends, and waits for whichever is full.
 * Resolves when the source has ended; rejects never: a broken source is an ended one.
 */
export async function demultiplex(source: Readable, stdout: Writable, stderr: Writable): Promise<void> {
  const splitter = new FrameSplitter()
  try {
    for await (const chunk of source) {
      const full = new Set<Writable>()
      splitter.push(chunk as Buffer, (stream, data) => {
        const target = stream === 2 ? stderr : stdout
        if (!target.destroyed && !target.write(data)) full.add(target)
      })
      for (const target of full) await drained(target)
    }
  } catch {
    // The connection broke: what came is all there is.
  }
  stdout.end()
  stderr.end()
}

function drained(target: Writable): Promise<void> {
  if (!target.writableNeedDrain || target.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      target.off('drain', done).off('close', done)
      resolve()
    }
    target.on('drain', done).on('close', done)
  })
}
