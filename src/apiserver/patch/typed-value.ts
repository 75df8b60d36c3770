import type { MergeSchema } from '../../api/schema/merge-schema.js'
import { FieldSet, formatPath } from './field-set.js'
import { isRecord, jsonEqual } from './json-value.js'

/**
 * Values walked along their schema (structured-merge-diff: typed). Structs and granular maps are walked by field, lists
 * of type `map` and `set` by element; all else is a leaf: owned and replaced as a whole.
 */

type Shape = 'fields' | 'keyed' | 'set' | 'leaf'

function shapeOf(schema: MergeSchema | undefined, value: unknown): Shape {
  if (isRecord(value)) {
    const granular =
      schema === undefined || schema.kind === 'struct' || schema.kind === 'map' || schema.kind === 'any'
    return granular && schema?.mapType !== 'atomic' ? 'fields' : 'leaf'
  }
  if (Array.isArray(value) && schema?.listType === 'map') return 'keyed'
  if (Array.isArray(value) && schema?.listType === 'set') return 'set'
  return 'leaf'
}

const fieldSchema = (schema: MergeSchema | undefined, name: string): MergeSchema | undefined =>
  schema?.kind === 'struct' ? schema.field(name) : schema?.items

const isDeclared = (schema: MergeSchema | undefined, name: string): boolean =>
  schema?.kind === 'struct' && schema.field(name) !== undefined

/** The path element of a list's item: its keys, absent ones by their defaults, or its value. */
function elementOf(schema: MergeSchema | undefined, shape: Shape, item: unknown): string {
  if (shape === 'set' || !isRecord(item)) return `v:${JSON.stringify(item)}`
  const keys: Record<string, unknown> = {}
  for (const key of [...(schema?.listMapKeys ?? [])].sort()) {
    const value = item[key] ?? schema?.keyDefaults?.[key]
    if (value !== undefined) keys[key] = value
  }
  return `k:${JSON.stringify(keys)}`
}

interface Part {
  value: unknown
  schema: MergeSchema | undefined
  /** Further list elements of the same key, which Kubernetes tolerates in some lists (such as env). */
  repeats?: unknown[]
}
type Parts = Map<string, Part>

/** A walked value's parts by path element; undefined for a leaf. */
function partsOf(schema: MergeSchema | undefined, value: unknown): Parts | undefined {
  const shape = shapeOf(schema, value)
  if (shape === 'leaf') return undefined
  if (isRecord(value)) {
    return new Map(
      Object.entries(value).map(([name, part]) => [
        `f:${name}`,
        { value: part, schema: fieldSchema(schema, name) }
      ])
    )
  }
  const parts: Parts = new Map()
  for (const item of value as unknown[]) {
    const element = elementOf(schema, shape, item)
    const first = parts.get(element)
    if (first) (first.repeats ??= []).push(item)
    else parts.set(element, { value: item, schema: schema?.items })
  }
  return parts
}

const isEmpty = (value: unknown): boolean =>
  value === null || (isRecord(value) && Object.keys(value).length === 0)

/** The fields that a configuration speaks about (toFieldSet): leaves, list elements, keys of maps. */
export function fieldSetOf(schema: MergeSchema | undefined, value: unknown): FieldSet {
  const set = new FieldSet()
  const parts = partsOf(schema, value)
  if (!parts) {
    set.member = true
    return set
  }
  for (const [element, part] of parts) {
    const child = fieldSetOf(part.schema, part.value)
    const inList = !element.startsWith('f:')
    if (inList || isEmpty(part.value) || !isDeclared(schema, element.slice(2))) child.member = true
    set.children.set(element, child)
  }
  return set
}

export interface Comparison {
  added: FieldSet
  modified: FieldSet
  removed: FieldSet
}

/** What changed from one value to another, by path. A part that came or went counts with its own path, too. */
export function compareValues(schema: MergeSchema | undefined, before: unknown, after: unknown): Comparison {
  const comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() }
  compareInto(comparison, schema, before, after)
  return comparison
}

function compareInto(
  into: Comparison,
  schema: MergeSchema | undefined,
  before: unknown,
  after: unknown
): void {
  if (before === undefined) into.added.member = true
  if (after === undefined) into.removed.member = true
  const old = before === undefined ? undefined : partsOf(schema, before)
  const next = after === undefined ? undefined : partsOf(schema, after)
  const leaf = (before !== undefined && !old) || (after !== undefined && !next)
  if (leaf && before !== undefined && after !== undefined) {
    if (!jsonEqual(before, after)) into.modified.member = true
    return
  }
  for (const element of new Set([...(old?.keys() ?? []), ...(next?.keys() ?? [])])) {
    const a = old?.get(element)
    const b = next?.get(element)
    const child = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() }
    compareInto(child, (b ?? a)?.schema, a?.value, b?.value)
    if (a && b && (a.repeats || b.repeats)) child.modified.member = !jsonEqual(a.repeats, b.repeats)
    for (const key of ['added', 'modified', 'removed'] as const) {
      if (!child[key].empty) into[key].children.set(element, child[key])
    }
  }
}

/** Lays a configuration over a value: its leaves win, fields and keyed elements merge, the rest stays. */
export function mergeValues(schema: MergeSchema | undefined, live: unknown, applied: unknown): unknown {
  const parts = partsOf(schema, applied)
  const before = live === undefined || live === null ? undefined : partsOf(schema, live)
  if (!parts || !before || Array.isArray(live) !== Array.isArray(applied)) return withoutNulls(applied)
  if (Array.isArray(live)) return mergeLists(schema, live, parts)
  const merged = new Map([...before].map(([element, part]) => [element, part.value]))
  for (const [element, part] of parts)
    merged.set(element, mergeValues(part.schema, merged.get(element), part.value))
  return Object.fromEntries(
    [...merged].filter(([, value]) => value !== null).map(([element, value]) => [element.slice(2), value])
  )
}

/**
 * The order of the merged elements (visitListItems): those of the configuration in its order; live ones that it does
 * not name before the next shared element that follows them, and before all that is new. Live elements that share a
 * key stay as they are, unless the configuration names the key.
 */
function mergeLists(schema: MergeSchema | undefined, live: readonly unknown[], applied: Parts): unknown[] {
  const shape = shapeOf(schema, live)
  const left = live.map((value) => ({ value, element: elementOf(schema, shape, value) }))
  const found = new Map(left.toReversed().map(({ element, value }) => [element, value]))
  const right = [...applied].map(([element, part]) => ({ element, value: part.value }))
  const shared = right.filter(({ element }) => found.has(element)).map(({ element }) => element)
  const merged: unknown[] = []
  let [l, r] = [0, 0]
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]]
    if (mine && !applied.has(mine.element)) {
      merged.push(mine.value)
      l++
    } else if (mine && theirs && mine.element !== theirs.element && mine.element !== shared[0]) {
      // Shared, but the configuration has it elsewhere.
      l++
    } else if (theirs) {
      merged.push(mergeValues(schema?.items, found.get(theirs.element), theirs.value))
      if (mine?.element === theirs.element) l++
      if (shared[0] === theirs.element) shared.shift()
      r++
    } else {
      l++
    }
  }
  return merged
}

function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== null)
      .map(([name, part]) => [name, withoutNulls(part)])
  )
}

/** Takes the members of the set out of a value, each with all below it. */
export function removeFields(schema: MergeSchema | undefined, value: unknown, remove: FieldSet): unknown {
  const shape = shapeOf(schema, value)
  if (shape === 'leaf') return value
  const kept = (element: string, part: unknown, partSchema: MergeSchema | undefined): unknown[] => {
    const below = remove.children.get(element)
    if (below?.member) return []
    return [below ? removeFields(partSchema, part, below) : part]
  }
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => kept(elementOf(schema, shape, item), item, schema?.items))
  }
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).flatMap(([name, part]) =>
      kept(`f:${name}`, part, fieldSchema(schema, name)).map((left) => [name, left])
    )
  )
}

/**
 * What makes a configuration ambiguous, as upstream's typed values say it: list elements that share a key or lack one.
 * Undefined if it is sound.
 */
export function findListFault(
  schema: MergeSchema | undefined,
  value: unknown,
  path = ''
): string | undefined {
  const shape = shapeOf(schema, value)
  if (shape === 'leaf') return undefined
  if (!Array.isArray(value)) {
    for (const [name, part] of Object.entries(value as Record<string, unknown>)) {
      const fault = findListFault(fieldSchema(schema, name), part, `${path}.${name}`)
      if (fault !== undefined) return fault
    }
    return undefined
  }
  const seen = new Set<string>()
  for (const [index, item] of value.entries() as IterableIterator<[number, unknown]>) {
    const missing = shape === 'keyed' ? missingKey(schema, item) : undefined
    if (missing !== undefined) return `${path}: element ${index}: ${missing}`
    const element = elementOf(schema, shape, item)
    if (seen.has(element)) return `${path}: duplicate entries for key ${formatPath([element])}`
    seen.add(element)
    const fault = findListFault(schema?.items, item, `${path}${formatPath([element])}`)
    if (fault !== undefined) return fault
  }
  return undefined
}

function missingKey(schema: MergeSchema | undefined, item: unknown): string | undefined {
  if (!isRecord(item)) return 'associative list with keys may not have non-map elements'
  const absent = schema?.listMapKeys?.find((key) => (item[key] ?? schema.keyDefaults?.[key]) === undefined)
  if (absent === undefined) return undefined
  return `associative list with keys has an element that omits key field "${absent}" (and doesn't have default value)`
}

/** Declared fields on the way to a member become members (EnsureNamedFieldsAreMembers): a struct goes when all in it goes. */
export function withNamedFields(schema: MergeSchema | undefined, set: FieldSet): FieldSet {
  const result = new FieldSet()
  result.member = set.member
  for (const [element, child] of set.children) {
    const name = element.slice(2)
    const below = withNamedFields(element.startsWith('f:') ? fieldSchema(schema, name) : schema?.items, child)
    if (element.startsWith('f:') && isDeclared(schema, name)) below.member = true
    result.children.set(element, below)
  }
  return result
}
