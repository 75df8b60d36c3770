const nestedFlag = 0x8000
const requestFlag = 0x001

export const roundUp4 = (length: number): number => (length + 3) & ~3

/**
 * A growing buffer of netlink messages. Headers and lengths are in host order (little endian on all platforms that mk
 * runs on); numbers inside nf_tables and conntrack attributes are big endian.
 */
export class AttributeWriter {
  #buffer = Buffer.alloc(4096)
  #length = 0

  u8(type: number, value: number): void {
    const at = this.#header(type, 1)
    this.#buffer.writeUInt8(value, at)
  }

  u16(type: number, value: number): void {
    const at = this.#header(type, 2)
    this.#buffer.writeUInt16BE(value, at)
  }

  u32(type: number, value: number): void {
    const at = this.#header(type, 4)
    this.#buffer.writeUInt32BE(value >>> 0, at)
  }

  u64(type: number, value: number): void {
    const at = this.#header(type, 8)
    this.#buffer.writeBigUInt64BE(BigInt(value), at)
  }

  bytes(type: number, value: Buffer): void {
    const at = this.#header(type, value.length)
    value.copy(this.#buffer, at)
  }

  /** Zero-terminated, as the kernel wants names. */
  string(type: number, value: string): void {
    const at = this.#header(type, Buffer.byteLength(value) + 1)
    this.#buffer.write(value, at)
  }

  /** An attribute that contains what `writeContent` writes. */
  nest(type: number, writeContent: () => void): void {
    const start = this.#header(type | nestedFlag, 0) - 4
    writeContent()
    const length = this.#length - start
    if (length > 0xffff) throw new RangeError('a netlink attribute is longer than 65535 bytes')
    this.#buffer.writeUInt16LE(length, start)
  }

  /** One message: nlmsghdr, nfgenmsg, then what `writeContent` writes. */
  message(
    header: { type: number; flags: number; sequence: number; family: number; resource: number },
    writeContent: () => void = () => {}
  ): void {
    const start = this.#reserve(20)
    this.#buffer.writeUInt16LE(header.type, start + 4)
    this.#buffer.writeUInt16LE(header.flags | requestFlag, start + 6)
    this.#buffer.writeUInt32LE(header.sequence, start + 8)
    this.#buffer.writeUInt8(header.family, start + 16)
    this.#buffer.writeUInt16BE(header.resource, start + 18)
    writeContent()
    this.#buffer.writeUInt32LE(this.#length - start, start)
  }

  result(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** The position of `count` fresh zero bytes, padded to a multiple of 4. */
  #reserve(count: number): number {
    const start = this.#length
    this.#length += roundUp4(count)
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length))
      this.#buffer.copy(larger, 0, 0, start)
      this.#buffer = larger
    }
    return start
  }

  // May replace #buffer by a larger one: call it before touching #buffer.
  #header(type: number, payloadLength: number): number {
    const start = this.#reserve(4 + payloadLength)
    this.#buffer.writeUInt16LE(4 + payloadLength, start)
    this.#buffer.writeUInt16LE(type, start + 2)
    return start + 4
  }
}
