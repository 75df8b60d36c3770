import { wellKnown, type Definitions, type Property } from './definition.js'

const free = new Set<string>([wellKnown.rawExtension, wellKnown.fieldsV1])

/**
 * Fields that a definition does not declare: upstream's strict decoder finds them, and a typed server forgets them.
 * Nulls go too, as Go does not tell them from absent fields.
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

  #property(property: Property, value: unknown, path: string, found: string[]): void {
    const { ref, items, additionalProperties } = property
    if (ref !== undefined) this.#struct(ref, value, path, found)
    else if (items && Array.isArray(value)) {
      value.forEach((item, i) => {
        this.#property(items, item, `${path}[${String(i)}]`, found)
      })
    } else if (additionalProperties && isObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        this.#property(additionalProperties, item, `${path}.${key}`, found)
      }
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
