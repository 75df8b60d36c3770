import type { Kind } from '../../api/kind.js'
import type { KubeObject, OwnerReference } from '../../base/object.js'

export interface Entry {
  kind: Kind
  object: KubeObject
}

export const ownersOf = (object: KubeObject): readonly OwnerReference[] =>
  object.metadata.ownerReferences ?? []

/** All objects by uid, and who depends on whom. Owners need not be there. */
export class OwnershipGraph {
  readonly #entries = new Map<string, Entry>()
  readonly #dependents = new Map<string, Set<string>>()

  get(uid: string): Entry | undefined {
    return this.#entries.get(uid)
  }

  dependentsOf(uid: string): Entry[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#entries.get(dependent) ?? [])
  }

  set(kind: Kind, object: KubeObject): void {
    const { uid } = object.metadata
    const previous = this.#entries.get(uid)
    if (previous) this.#unlink(previous.object)
    this.#entries.set(uid, { kind, object })
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid)
      if (dependents) dependents.add(uid)
      else this.#dependents.set(owner.uid, new Set([uid]))
    }
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid)
    if (!entry) return
    this.#entries.delete(uid)
    this.#unlink(entry.object)
  }

  #unlink(object: KubeObject): void {
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid)
      if (dependents?.delete(object.metadata.uid) && dependents.size === 0) this.#dependents.delete(owner.uid)
    }
  }
}
