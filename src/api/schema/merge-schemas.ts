import type { Definition, Definitions, Property } from './definition.js'
import { wellKnown } from './definition.js'
import type { MergeSchema } from './merge-schema.js'

const anything: MergeSchema = { kind: 'any', field: () => undefined }
const free = new Set<string>([wellKnown.rawExtension, wellKnown.fieldsV1, wellKnown.patch])

/** Merge schemas of definitions, made when asked for and kept. */
export class MergeSchemas {
  readonly #definitions: Definitions
  readonly #structs = new Map<string, MergeSchema>()

  constructor(definitions: Definitions) {
    this.#definitions = definitions
  }

  /** Unknown definitions merge as free-form JSON. */
  of(name: string): MergeSchema {
    const known = this.#structs.get(name)
    if (known) return known
    const definition = this.#definitions[name]
    const schema = definition ? this.#struct(name, definition) : anything
    this.#structs.set(name, schema)
    return schema
  }

  #struct(name: string, definition: Definition): MergeSchema {
    if (free.has(name)) return anything
    const { properties, mapType } = definition
    if (!properties) return { kind: 'scalar', field: () => undefined }
    const fields = new Map<string, MergeSchema>()
    return {
      kind: 'struct',
      field: (field) => {
        const known = fields.get(field)
        if (known) return known
        const property = Object.hasOwn(properties, field) ? properties[field] : undefined
        if (!property) return undefined
        const schema = this.#property(property)
        fields.set(field, schema)
        return schema
      },
      ...(mapType ? { mapType } : {})
    }
  }

  #property(property: Property): MergeSchema {
    const rules = rulesOf(property)
    if (property.ref !== undefined) {
      const target = this.of(property.ref)
      return Object.keys(rules).length === 0 ? target : { ...target, ...rules }
    }
    const element = property.items ?? property.additionalProperties
    if (!element) return { kind: 'scalar', field: () => undefined, ...rules }
    return {
      kind: property.items ? 'list' : 'map',
      field: () => undefined,
      items: this.#property(element),
      ...rules,
      ...this.#keyDefaults(property)
    }
  }

  /** Defaults of the fields that list elements are keyed by. */
  #keyDefaults(property: Property): Pick<MergeSchema, 'keyDefaults'> {
    const fields = this.#definitions[property.items?.ref ?? '']?.properties ?? {}
    const defaults = (property.listMapKeys ?? []).filter((key) => fields[key]?.default !== undefined)
    return defaults.length === 0
      ? {}
      : { keyDefaults: Object.fromEntries(defaults.map((key) => [key, fields[key]?.default])) }
  }
}

function rulesOf({ listType, listMapKeys, mapType, patchStrategy, patchMergeKey }: Property) {
  return {
    ...(listType ? { listType } : {}),
    ...(listMapKeys ? { listMapKeys } : {}),
    ...(mapType ? { mapType } : {}),
    ...(patchStrategy
      ? { patchStrategy: patchStrategy.split(',') as ('merge' | 'replace' | 'retainKeys')[] }
      : {}),
    ...(patchMergeKey ? { patchMergeKey } : {})
  }
}
