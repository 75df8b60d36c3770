import { statusErrors } from '../../base/status.js'
import { StatusError } from '../../base/status.js'
import { isRecord, jsonEqual } from './json-value.js'

/** Upstream's limit (apiserver: maxJSONPatchOperations). */
const maxOperations = 10_000

interface Operation {
  op: string
  path: string
  from?: string
  value?: unknown
  /** `value: null` and no value differ. */
  hasValue: boolean
}

type Container = Record<string, unknown> | unknown[]

/**
 * JSON patch (RFC 6902), with the texts of Kubernetes (evanphx/json-patch): a document that is no patch is 400, more
 * than 10,000 operations 413, an operation that can't be applied 422. Returns a new document.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  let result = structuredClone(document)
  for (const operation of parseOperations(patch)) result = apply(result, operation)
  return result
}

function parseOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw statusErrors.badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch'
    )
  }
  if (patch.length > maxOperations) {
    throw statusErrors.tooLarge(
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`
    )
  }
  return patch.map((item: unknown, index) => {
    if (!isRecord(item) || typeof item['op'] !== 'string' || typeof item['path'] !== 'string') {
      throw statusErrors.badRequest(
        `error decoding patch: operation ${index} needs the texts "op" and "path"`
      )
    }
    const { op, path, from } = item
    if ((op === 'move' || op === 'copy') && typeof from !== 'string') {
      throw statusErrors.badRequest(`error decoding patch: operation ${index} (${op}) needs the text "from"`)
    }
    return {
      op,
      path,
      value: item['value'],
      hasValue: Object.hasOwn(item, 'value'),
      ...(typeof from === 'string' ? { from } : {})
    }
  })
}

function unprocessable(message: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Invalid',
    details: {},
    code: 422
  })
}

const rejected = (why: string): StatusError =>
  unprocessable(`the server rejected our request due to an error in our request: ${why}`)

/** Where evanphx/json-patch finds nothing it says so differently for each operation. */
function missing(operation: Operation, path: string, last?: string): StatusError {
  const { op } = operation
  if (op === 'move' || op === 'copy') {
    const which = path === operation.from ? 'from path' : 'destination path'
    return rejected(`${op} operation does not apply: doc is missing ${which}: ${path}: missing value`)
  }
  if (op === 'test') return rejected(`error in test for path: '${path}': missing value`)
  if (last === undefined)
    return rejected(`${op} operation does not apply: doc is missing path: "${path}": missing value`)
  if (op === 'remove') {
    return rejected(
      `error in remove for path: '${path}': Unable to remove nonexistent key: ${last}: missing value`
    )
  }
  return rejected(`${op} operation does not apply: doc is missing key: ${path}: missing value`)
}

function segmentsOf(path: string): string[] {
  if (path === '') return []
  if (!path.startsWith('/'))
    throw statusErrors.badRequest(`error decoding patch: path "${path}" does not begin with "/"`)
  return path
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function child(container: unknown, segment: string): unknown {
  if (Array.isArray(container)) return container[indexOf(container, segment, container.length - 1) ?? -1]
  return isRecord(container) && Object.hasOwn(container, segment) ? container[segment] : undefined
}

function indexOf(list: unknown[], segment: string, highest: number): number | undefined {
  // Negative indexes count from the end: evanphx/json-patch supports them by default.
  if (!/^-?(0|[1-9]\d*)$/.test(segment)) return undefined
  const index = Number(segment) < 0 ? list.length + Number(segment) : Number(segment)
  return index >= 0 && index <= highest ? index : undefined
}

/** The container that holds the path's last segment. */
function parentOf(
  document: unknown,
  path: string,
  operation: Operation
): { parent: Container; last: string } {
  const segments = segmentsOf(path)
  const last = segments.pop() ?? ''
  let parent = document
  for (const segment of segments) parent = child(parent, segment)
  if (!Array.isArray(parent) && !isRecord(parent)) throw missing(operation, path)
  return { parent, last }
}

function valueAt(document: unknown, path: string, operation: Operation): unknown {
  if (path === '') return document
  const { parent, last } = parentOf(document, path, operation)
  const exists = Array.isArray(parent)
    ? indexOf(parent, last, parent.length - 1) !== undefined
    : Object.hasOwn(parent, last)
  if (!exists) throw missing(operation, path, last)
  return child(parent, last)
}

function add(document: unknown, path: string, value: unknown, operation: Operation): unknown {
  if (path === '') return value
  const { parent, last } = parentOf(document, path, operation)
  if (!Array.isArray(parent)) {
    Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true })
    return document
  }
  const index = last === '-' ? parent.length : indexOf(parent, last, parent.length)
  if (index === undefined) {
    throw rejected(
      `error in ${operation.op} for path: '${path}': Unable to access invalid index: ${last}: invalid index referenced`
    )
  }
  parent.splice(index, 0, value)
  return document
}

function remove(document: unknown, path: string, operation: Operation): unknown {
  if (path === '') return null
  valueAt(document, path, operation)
  const { parent, last } = parentOf(document, path, operation)
  if (Array.isArray(parent)) parent.splice(indexOf(parent, last, parent.length - 1) ?? parent.length, 1)
  else Reflect.deleteProperty(parent, last)
  return document
}

function apply(document: unknown, operation: Operation): unknown {
  const { op, path, from = '', value } = operation
  switch (op) {
    case 'add':
      return add(document, path, needValue(operation), operation)
    case 'remove':
      return remove(document, path, operation)
    case 'replace': {
      needValue(operation)
      valueAt(document, path, operation)
      if (path === '') return value
      const { parent, last } = parentOf(document, path, operation)
      if (Array.isArray(parent)) parent[indexOf(parent, last, parent.length - 1) ?? parent.length] = value
      else parent[last] = value
      return document
    }
    case 'move': {
      const moved = valueAt(document, from, operation)
      return add(remove(document, from, operation), path, moved, operation)
    }
    case 'copy':
      return add(document, path, structuredClone(valueAt(document, from, operation)), operation)
    case 'test': {
      // A path that is not there equals null, as in evanphx/json-patch.
      let found: unknown = null
      try {
        found = valueAt(document, path, operation) ?? null
      } catch (error) {
        if (value !== null) throw error
      }
      if (jsonEqual(found, value ?? null)) return document
      throw rejected(`testing value ${path} failed: test failed`)
    }
    default:
      throw statusErrors.badRequest(`error decoding patch: Unexpected kind: ${op}`)
  }
}

function needValue(operation: Operation): unknown {
  if (!operation.hasValue)
    throw statusErrors.badRequest(
      `error decoding patch: operation "${operation.op}" at ${operation.path} has no value`
    )
  return operation.value
}
