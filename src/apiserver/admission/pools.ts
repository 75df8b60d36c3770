import { cidrContains, cidrSize, formatIpv4, parseIpv4 } from '../../base/ip.js'
import type { Cidr } from '../../base/ip.js'

/** Values to hand out, of which stored objects hold some. */
export interface Pool<T> {
  /**
   * Takes `wanted`, or any free value. It stays taken until `onFinished` calls back: by then the object that holds it
   * is stored, or the request has failed. `flavour` tells apart pools in one (TCP and UDP ports).
   */
  take(
    stored: ReadonlySet<T>,
    wanted: T | undefined,
    onFinished: (callback: () => void) => void,
    flavour?: string
  ): { value: T } | { problem: string }
}

const takenIp = 'provided IP is already allocated'
const takenPort = 'provided port is already allocated'
/** Offsets that are never given by chance: the addresses of the API and of DNS. */
const reserved: readonly number[] = [1, 10]
const portRange = { first: 30000, last: 32767 }

/**
 * Service addresses. Like upstream, values that nobody asked for come from the upper part of the range, so that the
 * lower one (1 for the API, 10 for DNS among them) stays free for those who ask.
 */
export function createAddressPool(cidr: Cidr): Pool<string> {
  const size = cidrSize(cidr)
  // KEP-3070: between 16 and 256 addresses, a sixteenth of the range.
  const lower = Math.min(Math.max(16, Math.floor(size / 16)), 256, Math.floor(size / 2))
  const at = (offset: number) => formatIpv4(cidr.base + offset)
  return createPool({
    problemOf: (wanted) => {
      const address = parseIpv4(wanted)
      if (address === undefined) return 'must be a valid IP address'
      if (!cidrContains(cidr, address) || address === cidr.base || address === cidr.base + size - 1) {
        const range = `${formatIpv4(cidr.base)}/${String(cidr.bits)}`
        return `the provided network does not match the current range: The range of valid IPs is ${range}`
      }
      return undefined
    },
    candidates: function* () {
      for (const offset of scan(lower, size - 2)) if (!reserved.includes(offset)) yield at(offset)
      for (const offset of scan(1, lower - 1)) if (!reserved.includes(offset)) yield at(offset)
    },
    taken: takenIp,
    full: 'range is full'
  })
}

/** Node ports, as `TCP/30080`. */
export function createPortPool(): Pool<string> {
  const { first, last } = portRange
  // The first 86 are for those who ask (KEP-3668).
  const lower = 86
  const at = (flavour: string, offset: number) => `${flavour}/${String(first + offset)}`
  return createPool({
    problemOf: (wanted) => {
      const number = Number(wanted.split('/')[1])
      if (number >= first && number <= last) return undefined
      const range = `${String(first)}-${String(last)}`
      return `provided port is not in the valid range. The range of valid ports is ${range}`
    },
    candidates: function* (flavour) {
      for (const offset of scan(lower, last - first)) yield at(flavour, offset)
      for (const offset of scan(0, lower - 1)) yield at(flavour, offset)
    },
    taken: takenPort,
    full: 'range is full'
  })
}

/** The numbers of a range, from a random one on, round once. */
function* scan(from: number, to: number): Generator<number> {
  const length = to - from + 1
  if (length <= 0) return
  const start = Math.floor(Math.random() * length)
  for (let step = 0; step < length; step++) yield from + ((start + step) % length)
}

function createPool(options: {
  problemOf: (wanted: string) => string | undefined
  candidates: (flavour: string) => Iterable<string>
  taken: string
  full: string
}): Pool<string> {
  // Given to requests whose objects are not stored yet.
  const pending = new Set<string>()
  const hold = (value: string, onFinished: (callback: () => void) => void) => {
    pending.add(value)
    onFinished(() => {
      pending.delete(value)
    })
    return { value }
  }
  return {
    take: (stored, wanted, onFinished, flavour = '') => {
      if (wanted !== undefined) {
        const problem = options.problemOf(wanted)
        if (problem !== undefined) return { problem }
        if (stored.has(wanted) || pending.has(wanted)) return { problem: options.taken }
        return hold(wanted, onFinished)
      }
      for (const value of options.candidates(flavour)) {
        if (!stored.has(value) && !pending.has(value)) return hold(value, onFinished)
      }
      return { problem: options.full }
    }
  }
}
