import type { Kind } from '../api/kind.js'
import type { KubeObject } from '../base/object.js'
import { parseFieldSelector, parseLabelSelector } from '../base/selectors.js'
import { statusErrors } from '../base/status.js'

/** Which objects a list or watch is about. Undefined when it is all of them: then nothing need be parsed. */
export type Matcher = (object: KubeObject) => boolean

export interface SelectionOptions {
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}

/** Throws 400 for selectors that cannot be parsed, and for fields that the kind does not index. */
export function matcherOf(kind: Kind, options: SelectionOptions, name?: string): Matcher | undefined {
  const tests: Matcher[] = []
  if (name !== undefined) tests.push((object) => object.metadata.name === name)
  if (options.labelSelector) {
    const selector = parseLabelSelector(options.labelSelector)
    if (!selector.empty) tests.push((object) => selector.matches(object.metadata.labels))
  }
  for (const { field, op, value } of parseFieldSelector(options.fieldSelector ?? '')) {
    const read = fieldReader(kind, field)
    tests.push((object) => (read(object) === value) === (op === '='))
  }
  if (tests.length === 0) return undefined
  return (object) => tests.every((test) => test(object))
}

function fieldReader(kind: Kind, field: string): (object: KubeObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name
  if (field === 'metadata.namespace' && kind.namespaced) return (object) => object.metadata.namespace ?? ''
  const fields = kind.selectableFields
  const read = fields && Object.hasOwn(fields, field) ? fields[field] : undefined
  if (!read) throw statusErrors.badRequest(`field label not supported: ${field}`)
  return read
}
