import { MkError } from '../base/errors.js'
import type { KubeObject } from '../base/object.js'
import { evaluateJsonPath } from './json-path.js'

/** Formats of `-o`. */
export type OutputFormat =
  | { kind: 'table'; wide: boolean }
  | { kind: 'yaml' | 'json' | 'name' }
  | { kind: 'jsonpath'; template: string }

/** Reads `-o`; without it, a table. */
export function parseOutputFormat(text: string | undefined): OutputFormat {
  if (text === undefined || text === '') return { kind: 'table', wide: false }
  if (text === 'wide') return { kind: 'table', wide: true }
  if (text === 'yaml' || text === 'json' || text === 'name') return { kind: text }
  if (text.startsWith('jsonpath=')) return { kind: 'jsonpath', template: text.slice('jsonpath='.length) }
  throw new MkError('MK_INPUT', `unable to match a printer suitable for the output format "${text}"`, {
    hint: 'mk has wide, yaml, json, name and jsonpath=…; kubectl has more, see `mk kubeconfig`'
  })
}

/** Prints one object, or several as a v1 List, as yaml, json or by a template. */
export async function formatObject(object: unknown, format: OutputFormat): Promise<string> {
  switch (format.kind) {
    case 'json':
      return `${JSON.stringify(object, null, 4)}\n`
    case 'yaml': {
      const { toYaml } = await import('../base/yaml.js')
      return toYaml(object)
    }
    case 'jsonpath':
      return evaluateJsonPath(format.template, object)
    case 'table':
    case 'name':
      throw new TypeError(`${format.kind} is not an object format`)
  }
}

/** The object without managedFields, which kubectl hides as well. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _hidden, ...metadata } = object.metadata
  return { ...object, metadata }
}
