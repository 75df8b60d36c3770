import type { MergeSchema } from '../../api/schema/merge-schema.js'
import { arrange } from './element-order.js'
import { FieldSet } from './field-set.js'
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

/** A walked value's parts by path element; undefined for a leaf. A repeated list element keeps its first place. */
function partsOf(
  schema: MergeSchema | undefined,
  value: unknown
): Map<string, { value: unknown; schema: MergeSchema | undefined }> | undefined {
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
  const parts = new Map<string, { value: unknown; schema: MergeSchema | undefined }>()
  for (const item of value as unknown[]) {
    const element = elementOf(schema, shape, item)
    if (!parts.has(element)) parts.set(element, { value: item, schema: schema?.items })
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
  const merged = new Map([...before].map(([element, part]) => [element, part.value]))
  for (const [element, part] of parts)
    merged.set(element, mergeValues(part.schema, merged.get(element), part.value))
  if (isRecord(applied)) {
    return Object.fromEntries(
      [...merged].filter(([, value]) => value !== null).map(([element, value]) => [element.slice(2), value])
    )
  }
  const order = [...merged.keys()]
  return arrange({
    merged: order,
    patchOrder: [...parts.keys()],
    serverOrder: [...before.keys()],
    mergeKey: undefined
  }).map((element) => merged.get(element as string))
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
  const parts = partsOf(schema, value)
  if (!parts) return value
  const kept = [...parts].flatMap(([element, part]): [string, unknown][] => {
    const below = remove.children.get(element)
    if (below?.member) return []
    return [[element, below ? removeFields(part.schema, part.value, below) : part.value]]
  })
  if (Array.isArray(value)) return kept.map(([, part]) => part)
  return Object.fromEntries(kept.map(([element, part]) => [element.slice(2), part]))
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
