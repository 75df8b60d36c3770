/** Plain JSON values. Keys named `__proto__` are data like any other: they never reach a prototype. */

export type JsonObject = Record<string, unknown>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A deep copy as JSON would carry it: members that are undefined are left out. */
export function cloneJson<T>(value: T): T {
  return clone(value) as T
}

function clone(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clone)
  if (value instanceof Date) return value.toJSON()
  const copy: JsonObject = {}
  for (const key of Object.keys(value)) {
    const member = (value as JsonObject)[key]
    if (member !== undefined) setMember(copy, key, clone(member))
  }
  return copy
}

function setMember(object: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Deep equality of JSON values; the order of members does not count. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => equalJson(item, b[index]))
  }
  const left = a as JsonObject
  const right = b as JsonObject
  let members = 0
  for (const key of Object.keys(left)) {
    if (left[key] === undefined) continue
    if (!Object.hasOwn(right, key) || !equalJson(left[key], right[key])) return false
    members++
  }
  return members === Object.keys(right).filter((key) => right[key] !== undefined).length
}
