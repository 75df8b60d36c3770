import { isIPv4 } from 'node:net'

/** The little of DER (X.690) that certificates need. */

const tlv = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

export const sequence = (...items: readonly Buffer[]): Buffer => tlv(0x30, ...items)
export const set = (...items: readonly Buffer[]): Buffer => tlv(0x31, ...items)
export const boolean = (value: boolean): Buffer => tlv(0x01, Buffer.from([value ? 0xff : 0]))
export const octets = (bytes: Buffer): Buffer => tlv(0x04, bytes)
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))
/** `[n]` around items, or in place of their tag for bytes that are no structure. */
export const explicit = (n: number, ...items: readonly Buffer[]): Buffer => tlv(0xa0 + n, ...items)
export const implicit = (n: number, bytes: Buffer): Buffer => tlv(0x80 + n, bytes)

/** A bit string; the last `unused` bits of the bytes do not count. */
export const bits = (bytes: Buffer, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), bytes)

/** A positive integer of big-endian bytes. */
export function integer(bytes: Buffer): Buffer {
  const negative = ((bytes[0] ?? 0) & 0x80) !== 0
  return negative ? tlv(0x02, Buffer.from([0]), bytes) : tlv(0x02, bytes)
}

/** An object identifier: `2.5.4.3`. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest & 0x7f))
  }
  return bytes
}

/** UTCTime up to 2049, GeneralizedTime from then on (RFC 5280). */
export function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return date.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(digits.slice(2)))
    : tlv(0x18, Buffer.from(digits))
}

/** The bytes of an address as in a subjectAltName. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const bytes = Buffer.alloc(16)
  ipv6Groups(address).forEach((group, index) => {
    bytes.writeUInt16BE(group, index * 2)
  })
  return bytes
}

/** The eight groups of an IPv6 address. */
export function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const parse = (part: string) =>
    part
      .split(':')
      .filter(Boolean)
      .map((group) => parseInt(group, 16))
  const [left, right] = [parse(head), parse(tail ?? '')]
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

/** The elements of a structure, each with its head. */
export function elementsOf(structure: Buffer): Buffer[] {
  const elements: Buffer[] = []
  const [start, end] = contentOf(structure, 0)
  for (let at = start; at < end;) {
    const [, next] = contentOf(structure, at)
    elements.push(structure.subarray(at, next))
    at = next
  }
  return elements
}

/** Where the content of the element at this place begins and ends. */
function contentOf(bytes: Buffer, at: number): [start: number, end: number] {
  const first = bytes[at + 1] ?? 0
  if (first < 0x80) return [at + 2, at + 2 + first]
  const count = first & 0x7f
  const start = at + 2 + count
  return [start, start + bytes.readUIntBE(at + 2, count)]
}
