import { isRecord } from './json-value.js'

/**
 * A set of field paths, as managedFields holds one (structured-merge-diff: fieldpath.Set). A path element is written as
 * in fieldsV1: `f:name` a field or map key, `k:{"name":"x"}` an element of a keyed list, `v:"x"` an element of a set.
 */
export class FieldSet {
  /** Whether the path that leads here is itself in the set. */
  member = false
  readonly children = new Map<string, FieldSet>()

  child(element: string): FieldSet {
    let child = this.children.get(element)
    if (!child) {
      child = new FieldSet()
      this.children.set(element, child)
    }
    return child
  }

  get empty(): boolean {
    return !this.member && [...this.children.values()].every((child) => child.empty)
  }

  insert(path: readonly string[]): void {
    const [first, ...rest] = path
    if (first === undefined) this.member = true
    else this.child(first).insert(rest)
  }

  union(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a || b)
  }

  intersection(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a && b)
  }

  difference(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a && !b)
  }

  /** Without the path and all below it. Shares the rest with this set. */
  without(path: readonly string[]): FieldSet {
    const [first, ...rest] = path
    const child = first === undefined ? undefined : this.children.get(first)
    if (first === undefined || !child) return this
    const result = new FieldSet()
    result.member = this.member
    for (const [element, other] of this.children) result.children.set(element, other)
    if (rest.length === 0) result.children.delete(first)
    else result.children.set(first, child.without(rest))
    return result
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).empty && other.difference(this).empty
  }

  /** Every path of the set, sorted. */
  paths(): string[][] {
    const found: string[][] = this.member ? [[]] : []
    for (const [element, child] of sorted(this.children)) {
      for (const path of child.paths()) found.push([element, ...path])
    }
    return found
  }

  toFieldsV1(): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    for (const [element, child] of sorted(this.children)) {
      if (child.empty) continue
      const below = child.toFieldsV1()
      fields[element] = child.member && Object.keys(below).length > 0 ? { '.': {}, ...below } : below
    }
    return fields
  }

  static fromFieldsV1(fields: unknown): FieldSet {
    const set = new FieldSet()
    if (!isRecord(fields)) return set
    for (const [element, below] of Object.entries(fields)) {
      if (element === '.') continue
      const child = FieldSet.fromFieldsV1(below)
      // A leaf is written as an empty object; with others below it, the path itself shows as ".".
      child.member = isRecord(below) && (Object.hasOwn(below, '.') || Object.keys(below).length === 0)
      set.children.set(element, child)
    }
    return set
  }
}

const sorted = (children: Map<string, FieldSet>) =>
  [...children].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))

function combine(a: FieldSet, b: FieldSet, keep: (a: boolean, b: boolean) => boolean): FieldSet {
  const result = new FieldSet()
  result.member = keep(a.member, b.member)
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(element) ?? nothing, b.children.get(element) ?? nothing, keep)
    if (!child.empty) result.children.set(element, child)
  }
  return result
}

/** Stands for an absent child; never changed. */
const nothing = new FieldSet()

/** A path as conflicts show it: `.spec.containers[name="web"].image`. */
export function formatPath(path: readonly string[]): string {
  return path
    .map((element) => {
      const rest = element.slice(2)
      if (element.startsWith('f:')) return `.${rest}`
      if (element.startsWith('v:')) return `[=${rest}]`
      const keys = JSON.parse(rest) as Record<string, unknown>
      return `[${Object.keys(keys)
        .sort()
        .map((key) => `${key}=${JSON.stringify(keys[key])}`)
        .join(',')}]`
    })
    .join('')
}
