import type { KubeObject } from '../base/object.js'
import { keyOf } from '../base/object.js'

/** The values under which an object is found in an index; none leaves it out. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[]

/** Objects by key, by namespace and by any number of named indexes. */
export class Indexer<T extends KubeObject> {
  readonly #objects = new Map<string, T>()
  readonly #indexes = new Map<string, Index<T>>()
  readonly #byNamespace = new Index<T>((object) => [object.metadata.namespace ?? ''])

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  keys(): string[] {
    return [...this.#objects.keys()]
  }

  list(namespace?: string): T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.#byNamespace.find(namespace)
  }

  /** Adds an index over what is there and what comes; the same name again is ignored. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return
    const index = new Index(valuesOf)
    for (const [key, object] of this.#objects) index.add(key, object)
    this.#indexes.set(name, index)
  }

  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name)
    if (index === undefined) throw new Error(`no index ${name}`)
    return index.find(value)
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object)
    const previous = this.#objects.get(key)
    this.#objects.set(key, object)
    for (const index of [this.#byNamespace, ...this.#indexes.values()]) {
      if (previous) index.remove(key, previous)
      index.add(key, object)
    }
    return previous
  }

  delete(key: string): T | undefined {
    const previous = this.#objects.get(key)
    if (previous === undefined) return undefined
    this.#objects.delete(key)
    for (const index of [this.#byNamespace, ...this.#indexes.values()]) index.remove(key, previous)
    return previous
  }
}

class Index<T extends KubeObject> {
  readonly #entries = new Map<string, Map<string, T>>()
  readonly #valuesOf: IndexFunction<T>
  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf
  }

  find(value: string): T[] {
    return [...(this.#entries.get(value)?.values() ?? [])]
  }

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const entry = this.#entries.get(value)
      if (entry) entry.set(key, object)
      else this.#entries.set(value, new Map([[key, object]]))
    }
  }

  remove(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const entry = this.#entries.get(value)
      if (entry?.delete(key) && entry.size === 0) this.#entries.delete(value)
    }
  }
}
