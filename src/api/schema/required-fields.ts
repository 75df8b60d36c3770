import { wellKnown, type Definition, type Definitions, type Property } from './definition.js'
import { zeroOf } from './unknown-fields.js'

/** Required, but pointers in Go: absent says more than empty. */
const pointers: ReadonlySet<string> = new Set([
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  wellKnown.objectMeta
])

/**
 * Go writes a field that is no pointer and not `omitempty` even when nobody has set it: `key: ""` of a taint. Such
 * fields are what definitions call required. Filling them in makes objects what their types promise, so that rules and
 * everything that reads objects later need not ask. Lists stay out, as Go writes null for these.
 */
export class RequiredFields {
  readonly #definitions: Definitions

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  /** Fills them in, in place, in a value whose types are right. */
  fill(name: string, value: unknown): void {
    const definition = this.#definitions[name]
    if (definition?.properties && isObject(value)) this.#struct(definition, value)
  }

  #struct({ properties = {}, required = [] }: Definition, value: Record<string, unknown>): void {
    for (const field of required) {
      const property = properties[field]
      if (!property || pointers.has(property.ref ?? '')) continue
      const zero = zeroOf(property) ?? (this.#isStruct(property) ? {} : undefined)
      if (zero !== undefined && value[field] === undefined) value[field] = zero
    }
    for (const [field, inner] of Object.entries(value)) {
      if (typeof inner !== 'object' || inner === null || !Object.hasOwn(properties, field)) continue
      const property = properties[field]
      if (property) this.#property(property, inner)
    }
  }

  #isStruct({ ref }: Property): boolean {
    return ref !== undefined && this.#definitions[ref]?.properties !== undefined
  }

  #property({ ref, items, additionalProperties }: Property, value: unknown): void {
    if (ref !== undefined) this.fill(ref, value)
    else if (items && Array.isArray(value)) for (const item of value) this.#property(items, item)
    else if (additionalProperties && isObject(value))
      for (const item of Object.values(value)) this.#property(additionalProperties, item)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
