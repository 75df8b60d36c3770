import { isQuantity } from '../../base/quantity.js'
import { wellKnown, type Definition, type Definitions, type Property } from './definition.js'

/**
 * Checks JSON against a definition as Go's decoder would, and says what is wrong in its words. A walk over the
 * definitions needs no compilation (ajv's of Pod takes 0.3 s of the daemon's only thread) and gives Go's text, which
 * names struct types.
 */
export class TypeChecker {
  readonly #definitions: Definitions

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  /** The first mismatch, as Go stops at it too; undefined if the value fits. */
  check(name: string, value: unknown): string | undefined {
    const definition = this.#definitions[name]
    return definition ? this.#struct(name, definition, value, { struct: '', path: '' }) : undefined
  }

  #struct(name: string, definition: Definition, value: unknown, at: Place): string | undefined {
    if (!isObject(value)) return mismatch(value, goName(name), at)
    for (const [field, inner] of Object.entries(value)) {
      const property = Object.hasOwn(definition.properties ?? {}, field)
        ? definition.properties?.[field]
        : undefined
      if (!property) continue
      const path = at.path === '' ? field : `${at.path}.${field}`
      const problem = this.#property(property, inner, { struct: name.slice(name.lastIndexOf('.') + 1), path })
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #property(property: Property, value: unknown, at: Place): string | undefined {
    // Go leaves a null field at its zero value.
    if (value === null || value === undefined) return undefined
    if (property.ref !== undefined) return this.#reference(property.ref, value, at)
    if (property.items) {
      if (!Array.isArray(value)) return mismatch(value, this.#goType(property), at)
      return this.#each(property.items, value, at)
    }
    if (property.additionalProperties) {
      if (!isObject(value)) return mismatch(value, this.#goType(property), at)
      return this.#each(property.additionalProperties, Object.values(value), at)
    }
    return scalarProblem(property, value, at)
  }

  #each(element: Property, values: unknown[], at: Place): string | undefined {
    for (const value of values) {
      const problem = this.#property(element, value, at)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  #reference(name: string, value: unknown, at: Place): string | undefined {
    switch (name) {
      case wellKnown.rawExtension:
      case wellKnown.fieldsV1:
        return undefined
      case wellKnown.quantity:
        return quantityProblem(value, at)
      case wellKnown.intOrString:
        return typeof value === 'string' ? undefined : integerProblem(value, 'int32', at)
      case wellKnown.time:
      case wellKnown.microTime:
        return timeProblem(value, name === wellKnown.microTime, at)
    }
    const definition = this.#definitions[name]
    return definition ? this.#struct(name, definition, value, at) : undefined
  }

  /** `[]v1.Container`, `map[string]string` */
  #goType(property: Property): string {
    if (property.ref !== undefined) return goName(property.ref)
    if (property.items) return `[]${this.#goType(property.items)}`
    if (property.additionalProperties) return `map[string]${this.#goType(property.additionalProperties)}`
    return scalarType(property)
  }
}

/** Where in the body: Go names the struct type and the path of fields, without indices. */
interface Place {
  struct: string
  path: string
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `io.k8s.api.core.v1.Container` is v1.Container in Go. */
const goName = (name: string) => name.split('.').slice(-2).join('.')

function mismatch(value: unknown, type: string, { struct, path }: Place): string {
  const where = path === '' ? `value` : `struct field ${struct}.${path}`
  return `json: cannot unmarshal ${wordFor(value)} into Go ${where} of type ${type}`
}

function wordFor(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value
}

function scalarType({ type, format }: Property): string {
  if (type === 'integer') return format === 'int32' ? 'int32' : 'int64'
  if (type === 'number') return 'float64'
  if (type === 'boolean') return 'bool'
  return format === 'byte' ? '[]uint8' : 'string'
}

function scalarProblem(property: Property, value: unknown, at: Place): string | undefined {
  const type = scalarType(property)
  switch (type) {
    case 'int32':
    case 'int64':
      return integerProblem(value, type, at)
    case 'float64':
      return typeof value === 'number' ? undefined : mismatch(value, type, at)
    case 'bool':
      return typeof value === 'boolean' ? undefined : mismatch(value, type, at)
    case '[]uint8':
      return typeof value === 'string' ? base64Problem(value) : mismatch(value, type, at)
    default:
      return typeof value === 'string' ? undefined : mismatch(value, type, at)
  }
}

function integerProblem(value: unknown, type: 'int32' | 'int64', at: Place): string | undefined {
  if (typeof value !== 'number') return mismatch(value, type, at)
  const fits = Number.isInteger(value) && (type === 'int64' || (value >= -2147483648 && value <= 2147483647))
  return fits ? undefined : mismatch(value, type, at).replace('number', `number ${String(value)}`)
}

const quantityText =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

function quantityProblem(value: unknown, at: Place): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return mismatch(value, 'resource.Quantity', at)
  return isQuantity(String(value)) ? undefined : quantityText
}

const timeForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

function timeProblem(value: unknown, micro: boolean, at: Place): string | undefined {
  if (typeof value !== 'string') return mismatch(value, micro ? 'v1.MicroTime' : 'v1.Time', at)
  if (timeForm.test(value) && !Number.isNaN(Date.parse(value))) return undefined
  const layout = micro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00'
  return `parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(value)} as "2006"`
}

/** Position of the first byte that padded standard base64 cannot have. Go skips line breaks. */
function base64Problem(text: string): string | undefined {
  const compact = text.replace(/[\r\n]/g, '')
  const good = /^[A-Za-z0-9+/]*={0,2}/.exec(compact)?.[0] ?? ''
  if (good.length === compact.length && compact.length % 4 === 0) return undefined
  return `illegal base64 data at input byte ${String(good.length === compact.length ? Math.floor(good.length / 4) * 4 : good.length)}`
}
