import type { KubeObject } from '../../base/object.js'
import { keyOf } from '../../base/object.js'
import type { Informer } from '../../client/informer.js'

interface Writes {
  /** The highest version that a write of ours got. */
  version: bigint
  deleted: KubeObject[]
}

/**
 * Tells whether the informer shows a controller's own writes yet; until then its counts are stale, and
 * acting on them would create or delete twice (the role of upstream's expectations). Versions are global and only
 * grow, so an informer that has seen a version has seen all before it.
 */
export class OwnWrites<T extends KubeObject> {
  readonly #informer: Informer<T>
  readonly #writes = new Map<string, Writes>()
  constructor(informer: Informer<T>) {
    this.#informer = informer
  }

  wrote(owner: string, object: T): void {
    const writes = this.#of(owner)
    const version = BigInt(object.metadata.resourceVersion)
    if (version > writes.version) writes.version = version
  }

  deleted(owner: string, object: T): void {
    this.#of(owner).deleted.push(object)
  }

  /** All writes for this owner are visible. */
  settled(owner: string): boolean {
    const writes = this.#writes.get(owner)
    if (writes === undefined) return true
    if (BigInt(this.#informer.resourceVersion || '0') < writes.version) return false
    writes.deleted = writes.deleted.filter((object) => this.#looksAlive(object))
    if (writes.deleted.length > 0) return false
    this.#writes.delete(owner)
    return true
  }

  forget(owner: string): void {
    this.#writes.delete(owner)
  }

  #looksAlive(object: KubeObject): boolean {
    const seen = this.#informer.get(keyOf(object))
    return seen?.metadata.uid === object.metadata.uid && seen.metadata.deletionTimestamp === undefined
  }

  #of(owner: string): Writes {
    const known = this.#writes.get(owner)
    if (known) return known
    const writes = { version: 0n, deleted: [] }
    this.#writes.set(owner, writes)
    return writes
  }
}
