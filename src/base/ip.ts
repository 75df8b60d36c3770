/** IPv4 addresses as unsigned 32-bit numbers, and address ranges in CIDR notation. */
export interface Cidr {
  /** First address of the range. */
  base: number
  /** Length of the prefix in bits, 0 to 32. */
  bits: number
}

/** Strict dotted decimal (no leading zeros, as Go's netip); undefined if it is anything else. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255))
    return undefined
  return parts.reduce((address, part) => address * 256 + Number(part), 0)
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => String((address >>> shift) & 255)).join('.')
}

const maskOf = (bits: number): number => (bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0)

/** `10.96.0.0/16`. Host bits are cleared. Undefined if malformed. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text)
  const address = match?.[1] === undefined ? undefined : parseIpv4(match[1])
  if (address === undefined) return undefined
  const bits = Number(match?.[2])
  return { base: (address & maskOf(bits)) >>> 0, bits }
}

export const formatCidr = (range: Cidr): string => `${formatIpv4(range.base)}/${String(range.bits)}`

/** How many addresses are in the range, the first and the last one included. */
export const cidrSize = (range: Cidr): number => 2 ** (32 - range.bits)

export const cidrContains = (range: Cidr, address: number): boolean =>
  (address & maskOf(range.bits)) >>> 0 === range.base

export const cidrsOverlap = (a: Cidr, b: Cidr): boolean =>
  a.bits <= b.bits ? cidrContains(a, b.base) : cidrContains(b, a.base)
