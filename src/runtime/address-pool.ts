import { MkError } from '../base/errors.js'
import { cidrSize, formatIpv4, parseCidr, parseIpv4 } from '../base/ip.js'

/**
 * Hands out the pod addresses of one range. Next-fit: a freed address comes back as late as possible, so that stale
 * connections and DNS answers don't reach a stranger.
 */
export class AddressPool {
  readonly #first: number
  readonly #size: number
  readonly #taken = new Set<number>()
  /** Free, but only for those who ask for them. */
  readonly #held = new Set<number>()
  readonly #text: string
  #next = 0

  /**
   * @param options.cidr the range, e.g. `10.244.0.0/16`; its last address (broadcast) is never given
   * @param options.skip addresses at its start that are not ours: the network address, the gateway, Docker's part
   */
  constructor(options: { cidr: string; skip: number }) {
    const range = parseCidr(options.cidr)
    if (!range) throw new MkError('MK_INPUT', `${JSON.stringify(options.cidr)} is no IPv4 range`)
    this.#first = range.base + options.skip
    this.#size = cidrSize(range) - options.skip - 1
    this.#text = options.cidr
  }

  /** The preferred address if it is ours and free, else the next free one. MK_NETWORK_CONFLICT when there is none. */
  allocate(preferred?: string): string {
    const wanted = preferred === undefined ? undefined : parseIpv4(preferred)
    if (wanted !== undefined && this.#owns(wanted) && !this.#taken.has(wanted)) {
      this.#taken.add(wanted)
      this.#held.delete(wanted)
      return formatIpv4(wanted)
    }
    return this.#nextFree() ?? this.#withoutHolds()
  }

  #nextFree(): string | undefined {
    for (let tried = 0; tried < this.#size; tried++) {
      const address = this.#first + this.#next
      this.#next = (this.#next + 1) % this.#size
      if (this.#taken.has(address) || this.#held.has(address)) continue
      this.#taken.add(address)
      return formatIpv4(address)
    }
    return undefined
  }

  /** A range this full gives what was held, too. */
  #withoutHolds(): string {
    this.#held.clear()
    const address = this.#nextFree()
    if (address !== undefined) return address
    throw new MkError(
      'MK_NETWORK_CONFLICT',
      `all ${String(this.#size)} pod addresses of ${this.#text} are in use`,
      {
        hint: 'delete pods, or make the cluster anew with a larger pod range'
      }
    )
  }

  /** Keeps addresses for those who will ask for them: pods that had them before and are to be started again. */
  hold(ips: readonly string[]): void {
    for (const ip of ips) {
      const address = parseIpv4(ip)
      if (address !== undefined) this.#held.add(address)
    }
  }

  /** Marks an address found on a living sandbox as taken; later ones are handed out after it. */
  reserve(ip: string): void {
    const address = parseIpv4(ip)
    if (address === undefined) return
    this.#taken.add(address)
    const offset = address - this.#first
    if (offset >= this.#next && offset < this.#size) this.#next = (offset + 1) % this.#size
  }

  release(ip: string): void {
    const address = parseIpv4(ip)
    if (address !== undefined) this.#taken.delete(address)
  }

  #owns(address: number): boolean {
    return address >= this.#first && address < this.#first + this.#size
  }
}
