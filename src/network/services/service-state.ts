import { entryKey } from '../nft/service-table.js'
import type { ServiceEntry, ServiceTable } from '../nft/service-table.js'

/** A step of the table: the entries that differ, as they were and as they are to be. */
export interface TableChange {
  before: ServiceEntry[]
  after: ServiceEntry[]
  /** Addresses that UDP connections must not go to any more (for their service). */
  udpGone: string[]
}

/**
 * The wanted table of all services, built up by owner. Two owners of one address, protocol and port (say, the same
 * external IP twice) don't break anything: the owner that sorts first has it, and the next one takes over.
 */
export class ServiceState {
  readonly #byOwner = new Map<string, readonly ServiceEntry[]>()
  readonly #claims = new Map<string, Map<string, ServiceEntry>>()
  readonly #table = new Map<string, ServiceEntry>()
  readonly #dirty = new Set<string>()

  /** The table as of the last {@link takeChange}. */
  get table(): ServiceTable {
    return this.#table
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0
  }

  /** Replaces what an owner wants; an empty list takes the owner away. */
  set(owner: string, entries: readonly ServiceEntry[]): void {
    for (const old of this.#byOwner.get(owner) ?? []) {
      const key = entryKey(old)
      const claims = this.#claims.get(key)
      claims?.delete(owner)
      if (claims?.size === 0) this.#claims.delete(key)
      this.#dirty.add(key)
    }
    for (const entry of entries) {
      const key = entryKey(entry)
      const claims = this.#claims.get(key) ?? new Map<string, ServiceEntry>()
      this.#claims.set(key, claims.set(owner, entry))
      this.#dirty.add(key)
    }
    if (entries.length > 0) this.#byOwner.set(owner, entries)
    else this.#byOwner.delete(owner)
  }

  /** Moves the table to what is wanted now and says what that changed. */
  takeChange(): TableChange {
    const change: TableChange = { before: [], after: [], udpGone: [] }
    for (const key of this.#dirty) {
      const old = this.#table.get(key)
      const wanted = this.#wanted(key)
      if (sameEntry(old, wanted)) continue
      if (old) change.before.push(old)
      if (wanted) change.after.push(wanted)
      if (old?.protocol === 'UDP') change.udpGone.push(...goneAddresses(old, wanted))
      if (wanted) this.#table.set(key, wanted)
      else this.#table.delete(key)
    }
    this.#dirty.clear()
    return { ...change, udpGone: [...new Set(change.udpGone)] }
  }

  #wanted(key: string): ServiceEntry | undefined {
    const claims = this.#claims.get(key)
    const [first] = [...(claims?.keys() ?? [])].sort()
    return first === undefined ? undefined : claims?.get(first)
  }
}

function sameEntry(a: ServiceEntry | undefined, b: ServiceEntry | undefined): boolean {
  if (!a || !b) return a === b
  const same = a.endpoints.every(
    ({ ip, port }, i) => ip === b.endpoints[i]?.ip && port === b.endpoints[i].port
  )
  return same && a.endpoints.length === b.endpoints.length && a.affinitySeconds === b.affinitySeconds
}

function goneAddresses(old: ServiceEntry, wanted: ServiceEntry | undefined): string[] {
  const left = new Set(wanted?.endpoints.map(({ ip, port }) => `${ip}:${String(port)}`))
  return old.endpoints.filter(({ ip, port }) => !left.has(`${ip}:${String(port)}`)).map(({ ip }) => ip)
}
