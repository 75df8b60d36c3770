import { isRecord, setKey } from './json-value.js'

/**
 * JSON merge patch (RFC 7396): null removes, objects merge, anything else replaces. Returns a new value; shares what
 * did not change with its inputs and mutates neither.
 */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const merged: Record<string, unknown> = { ...(isRecord(document) ? document : {}) }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, name)
    else setKey(merged, name, applyMergePatch(Object.hasOwn(merged, name) ? merged[name] : undefined, value))
  }
  return merged
}
