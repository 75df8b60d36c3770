/** The agent's frames, as src/agent/agent.h describes them. Integers are big endian. */
export const frameType = {
  ping: 1,
  waitReady: 2,
  netlink: 3,
  forget: 4,
  dial: 5,
  data: 6,
  end: 7,
  close: 8,
  credit: 9,
  exec: 10,
  route: 11,
  setHostname: 12,
  removeTree: 13,
  nameNext: 14,
  ok: 64,
  error: 65
} as const

export const protocolVersion = 1
/** Bytes that may be on their way in one direction of a stream. */
export const streamWindowBytes = 256 * 1024

export const u8 = (value: number): Buffer => Buffer.from([value])
export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
export const str = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([u16(bytes.length), bytes])
}
export const strings = (values: readonly string[]): Buffer =>
  Buffer.concat([u16(values.length), ...values.map(str)])

/** The frame's header; the payload follows. */
export function frameHeader(id: number, type: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(9)
  header.writeUInt32BE(payloadBytes + 5)
  header.writeUInt32BE(id, 4)
  header.writeUInt8(type, 8)
  return header
}

export interface Frame {
  id: number
  type: number
  payload: Buffer
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #chunks: Buffer[] = []
  #length = 0

  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    // Join only when a frame is whole: large answers come in many chunks.
    while (this.#length >= 9) {
      const first = this.#peek(9)
      const total = first.readUInt32BE(0) + 4
      if (this.#length < total) return
      const all = this.#peek(total)
      const frame = all.subarray(0, total)
      this.#consume(total)
      onFrame({ id: frame.readUInt32BE(4), type: frame.readUInt8(8), payload: frame.subarray(9) })
    }
  }

  #peek(bytes: number): Buffer {
    const [first] = this.#chunks
    if (first && first.length >= bytes) return first
    const joined = Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }

  #consume(bytes: number): void {
    const [first, ...others] = this.#chunks
    const rest = first?.subarray(bytes)
    this.#chunks = rest && rest.length > 0 ? [rest, ...others] : others
    this.#length -= bytes
  }
}
