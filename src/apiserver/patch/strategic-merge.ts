import type { MergeSchema } from '../../api/schema/merge-schema.js'
import { statusErrors } from '../../base/status.js'
import { isRecord, jsonEqual, setKey } from './json-value.js'
import { arrange } from './element-order.js'

/**
 * Strategic merge patch (apimachinery: strategicpatch). Objects merge by field; lists replace, unless their type says
 * that they merge by a key; directives steer the rest: `$patch: replace|delete|merge`, `$retainKeys`,
 * `$setElementOrder/<field>`, `$deleteFromPrimitiveList/<field>`. Returns a new value and mutates neither input; a
 * patch that can't be applied is 400 BadRequest.
 */
export function applyStrategicMergePatch(
  document: Record<string, unknown>,
  patch: Record<string, unknown>,
  schema: MergeSchema
): Record<string, unknown> {
  return mergeObject(document, patch, schema)
}

const directive = '$patch'
const retainKeys = '$retainKeys'
const setElementOrder = '$setElementOrder/'
const deleteFromPrimitiveList = '$deleteFromPrimitiveList/'

type JsonObject = Record<string, unknown>

const bad = (message: string) => statusErrors.badRequest(`error when applying patch: ${message}`)

function schemaOf(schema: MergeSchema | undefined, name: string): MergeSchema | undefined {
  return schema?.kind === 'struct' ? schema.field(name) : schema?.items
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: MergeSchema | undefined): JsonObject {
  switch (patch[directive]) {
    case undefined:
    case 'merge':
      break
    case 'replace':
      return withoutDirectives(patch)
    case 'delete':
      return {}
    default:
      throw bad(`unknown patch type found: "${String(patch[directive])}"`)
  }
  const merged = retained(original, patch)
  for (const [name, value] of Object.entries(patch)) {
    if (name === directive || name === retainKeys || name.startsWith(setElementOrder)) continue
    if (name.startsWith(deleteFromPrimitiveList)) deletePrimitives(merged, name, value)
    else mergeField(merged, name, value, schemaOf(schema, name), orderOf(patch, name))
  }
  for (const name of Object.keys(patch)) {
    if (name.startsWith(setElementOrder)) orderOnly(merged, patch, name.slice(setElementOrder.length), schema)
  }
  return merged
}

function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[retainKeys]
  if (keys === undefined) return { ...original }
  if (!Array.isArray(keys)) throw bad('unable to parse $retainKeys: it is not a list')
  const unlisted = Object.keys(patch).find((name) => !name.startsWith('$') && !keys.includes(name))
  if (unlisted !== undefined)
    throw bad(`field "${unlisted}" is in the patch and missing from its $retainKeys`)
  return Object.fromEntries(Object.entries(original).filter(([name]) => keys.includes(name)))
}

function orderOf(patch: JsonObject, name: string): unknown[] | undefined {
  const order = patch[setElementOrder + name]
  if (order !== undefined && !Array.isArray(order)) throw bad(`${setElementOrder}${name} is not a list`)
  return order
}

function mergeField(
  merged: JsonObject,
  name: string,
  value: unknown,
  schema: MergeSchema | undefined,
  order: unknown[] | undefined
): void {
  if (value === null) {
    Reflect.deleteProperty(merged, name)
    return
  }
  const before = Object.hasOwn(merged, name) ? merged[name] : undefined
  if (Array.isArray(value)) {
    const list = schema?.patchStrategy?.includes('merge')
      ? mergeList(Array.isArray(before) ? before : [], value, schema, order)
      : withoutDirectives(value)
    setKey(merged, name, list)
  } else if (isRecord(value)) {
    const replaces = schema?.patchStrategy?.includes('replace') ?? false
    const object = replaces
      ? withoutDirectives(value)
      : mergeObject(isRecord(before) ? before : {}, value, schema)
    setKey(merged, name, object)
  } else {
    setKey(merged, name, value)
  }
}

/** An order without elements to merge only rearranges (and needs the list to be there). */
function orderOnly(
  merged: JsonObject,
  patch: JsonObject,
  name: string,
  schema: MergeSchema | undefined
): void {
  const order = orderOf(patch, name)
  const list = merged[name]
  if (!order || !Array.isArray(list) || Object.hasOwn(patch, name)) return
  merged[name] = arrange({
    merged: list,
    patchOrder: order,
    serverOrder: list,
    mergeKey: schemaOf(schema, name)?.patchMergeKey
  })
}

function deletePrimitives(merged: JsonObject, name: string, values: unknown): void {
  if (!Array.isArray(values)) throw bad(`${name} is not a list`)
  const field = name.slice(deleteFromPrimitiveList.length)
  const list = merged[field]
  if (Array.isArray(list))
    merged[field] = list.filter((item) => !values.some((value) => jsonEqual(item, value)))
}

function mergeList(
  original: unknown[],
  patch: unknown[],
  schema: MergeSchema,
  order: unknown[] | undefined
): unknown[] {
  const mergeKey = schema.patchMergeKey
  if (mergeKey === undefined) {
    const added = patch.filter(
      (value, index) => ![...original, ...patch.slice(0, index)].some((item) => jsonEqual(item, value))
    )
    return arrange({
      merged: [...original, ...added],
      patchOrder: order ?? patch,
      serverOrder: original,
      mergeKey
    })
  }
  const items = patch.map((item) => {
    if (!isRecord(item)) throw bad(`an element of a list that merges by "${mergeKey}" is not an object`)
    return item
  })
  if (items.some((item) => item[directive] === 'replace')) {
    return items.filter((item) => item[directive] !== 'replace').map(withoutDirectives)
  }
  let merged = [...original]
  const matches = (item: unknown, key: unknown) => isRecord(item) && jsonEqual(item[mergeKey], key)
  for (const item of items) {
    const key = item[mergeKey]
    if (key === undefined)
      throw bad(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
    if (item[directive] === 'delete') {
      merged = merged.filter((candidate) => !matches(candidate, key))
      continue
    }
    const at = merged.findIndex((candidate) => matches(candidate, key))
    const found = merged[at]
    if (isRecord(found)) merged[at] = mergeObject(found, item, schema.items)
    else merged.push(mergeObject({}, item, schema.items))
  }
  return arrange({
    merged,
    patchOrder: order ?? items.filter((item) => item[directive] !== 'delete'),
    serverOrder: original,
    mergeKey
  })
}

function withoutDirectives(value: JsonObject): JsonObject
function withoutDirectives(value: unknown): unknown
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !isRecord(item) || (item[directive] !== 'delete' && !isOnlyDirective(item)))
      .map((item) => withoutDirectives(item))
  }
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([name, item]) =>
          item !== null &&
          name !== directive &&
          name !== retainKeys &&
          !name.startsWith(setElementOrder) &&
          !name.startsWith(deleteFromPrimitiveList)
      )
      .map(([name, item]) => [name, withoutDirectives(item)])
  )
}

const isOnlyDirective = (item: JsonObject) => directive in item && Object.keys(item).length === 1
