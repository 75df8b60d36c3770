import { wellKnown, type Definitions, type Property } from './definition.js'

const free = new Set<string>([wellKnown.rawExtension, wellKnown.fieldsV1])

/**
 * Fields that a definition does not declare: upstream's strict decoder finds them, and a typed server forgets them.
 * Nulls go too, as Go does not tell them from absent fields or, in lists and maps, from zero values.
 */
export class UnknownFields {
  readonly #definitions: Definitions

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  /** Removes them, in place, and returns their paths: `spec.foo`, `spec.template.spec.containers[0].foo`. */
  prune(name: string, value: unknown): string[] {
    const found: string[] = []
    this.#struct(name, value, '', found)
    return found
  }

  #struct(name: string, value: unknown, path: string, found: string[]): void {
    const properties = this.#definitions[name]?.properties
    if (!properties || free.has(name) || !isObject(value)) return
    for (const [field, inner] of Object.entries(value)) {
      const at = path === '' ? field : `${path}.${field}`
      const property = Object.hasOwn(properties, field) ? properties[field] : undefined
      if (!property) {
        found.push(at)
        delete value[field]
      } else if (inner === null && property.ref !== wellKnown.rawExtension) {
        delete value[field]
      } else this.#property(property, inner, at, found)
    }
  }

  /** Null elements of lists and maps become the zero value of their type, as in Go. */
  #elements(type: Property, container: Record<string, unknown> | unknown[]): void {
    if (type.ref === wellKnown.rawExtension) return
    for (const [key, element] of Object.entries(container)) {
      if (element !== null) continue
      const zero = type.items ? [] : type.additionalProperties ? {} : (zeroOf(type) ?? {})
      Object.defineProperty(container, key, {
        value: zero,
        writable: true,
        enumerable: true,
        configurable: true
      })
    }
  }

  #property(property: Property, value: unknown, path: string, found: string[]): void {
    const { ref, items, additionalProperties } = property
    if (ref !== undefined) this.#struct(ref, value, path, found)
    else if (items && Array.isArray(value)) {
      this.#elements(items, value)
      value.forEach((item, i) => {
        this.#property(items, item, `${path}[${String(i)}]`, found)
      })
    } else if (additionalProperties && isObject(value)) {
      this.#elements(additionalProperties, value)
      for (const [key, item] of Object.entries(value)) {
        this.#property(additionalProperties, item, `${path}.${key}`, found)
      }
    }
  }
}

/** Zero value of a scalar; undefined for everything else, and for times, which have none in JSON. */
export function zeroOf({ type, ref }: Property): string | number | boolean | undefined {
  if (ref === wellKnown.quantity) return '0'
  if (ref === wellKnown.intOrString) return 0
  switch (type) {
    case 'string':
      return ''
    case 'integer':
    case 'number':
      return 0
    case 'boolean':
      return false
    default:
      return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
