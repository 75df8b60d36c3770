import { wellKnown, type Definition, type Property } from '../definition.js'
import type { FieldFacts, MessageFacts } from './facts.js'
import type { Model, ModelProperty } from './models.js'
import { fullGroupOf, splitId } from './names.js'

interface Naming {
  ids: Map<string, string>
  facts: Map<string, MessageFacts>
}

/** All definitions by name. */
export function buildDefinitions(models: Map<string, Model>, naming: Naming): Record<string, Definition> {
  const all: Record<string, Definition> = { ...basicDefinitions() }
  for (const [modelName, id] of naming.ids) {
    const model = models.get(modelName)
    if (model) all[id] = buildDefinition(model, id, naming)
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function buildDefinition(model: Model, id: string, naming: Naming): Definition {
  const message = naming.facts.get(id)
  const factsOf = (name: string) => message?.fields.find((field) => field.name === name)
  const properties = Object.fromEntries(
    model.properties.map((p) => [p.name, buildProperty(p, factsOf(p.name), naming)])
  )
  const required = model.properties.filter((p) => p.required).map((p) => p.name)
  const { group, version, name } = splitId(id)
  const typed = 'apiVersion' in properties && 'kind' in properties && 'metadata' in properties
  return {
    ...(model.description ? { description: model.description } : {}),
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(message?.mapType ? { mapType: message.mapType as 'atomic' } : {}),
    ...(typed || name === 'DeleteOptions'
      ? { groupVersionKind: { group: fullGroupOf(group), version, kind: name } }
      : {})
  }
}

function buildProperty(property: ModelProperty, facts: FieldFacts | undefined, naming: Naming): Property {
  const type = facts?.quantity
    ? property.type
        .replace('string; }', 'Quantity; }')
        .replace(/^string$/, 'Quantity')
        .replace('Array<string>', 'Array<Quantity>')
    : property.type
  const built: Property = typeOf(type, property.format, naming)
  const target = facts?.enum && built.items ? built.items : built
  if (facts?.enum && target.type === 'string') target.enum = facts.enum
  return {
    ...(property.description ? { description: property.description } : {}),
    ...built,
    ...(facts?.default === undefined ? {} : { default: facts.default }),
    ...(facts?.listType ? { listType: facts.listType as 'atomic' } : {}),
    ...(facts?.listMapKeys ? { listMapKeys: facts.listMapKeys } : {}),
    ...(facts?.mapType ? { mapType: facts.mapType as 'atomic' } : {}),
    ...(facts?.patchStrategy ? { patchStrategy: facts.patchStrategy } : {}),
    ...(facts?.patchMergeKey ? { patchMergeKey: facts.patchMergeKey } : {})
  }
}

function typeOf(type: string, format: string, naming: Naming): Property {
  const array = /^Array<(.*)>$/.exec(type)
  if (array) return { type: 'array', items: typeOf(array[1] ?? '', format, naming) }
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map) return { type: 'object', additionalProperties: typeOf(map[1] ?? '', format, naming) }
  switch (type) {
    case 'Date':
      return { ref: wellKnown.time }
    case 'V1MicroTime':
      return { ref: wellKnown.microTime }
    case 'IntOrString':
      return { ref: wellKnown.intOrString }
    case 'Quantity':
      return { ref: wellKnown.quantity }
    case 'any':
      return { ref: wellKnown.rawExtension }
    case 'boolean':
      return { type: 'boolean' }
    case 'string':
      return format === '' ? { type: 'string' } : { type: 'string', format }
    case 'number':
      return format === 'double' ? { type: 'number', format } : { type: 'integer', format }
  }
  const id = naming.ids.get(type)
  // Types of groups that mk has no facts of are published as free-form.
  return id === undefined ? { ref: wellKnown.rawExtension } : { ref: id }
}

/** Types that the models spell as TypeScript built-ins. */
const basicDefinitions = (): Record<string, Definition> => ({
  [wellKnown.quantity]: {
    description:
      'Quantity is a fixed-point representation of a number. It provides convenient marshaling/unmarshaling ' +
      'in JSON and YAML, in addition to String() and AsInt64() accessors. The serialization format is ' +
      '<signedNumber><suffix>, with a suffix among Ki Mi Gi Ti Pi Ei, n u m k M G T P E, or a decimal exponent.',
    type: 'string'
  },
  [wellKnown.intOrString]: {
    description: 'IntOrString is a type that can hold an int32 or a string.',
    type: 'string',
    format: 'int-or-string'
  },
  [wellKnown.rawExtension]: {
    description: 'RawExtension is used to hold extensions in external versions.',
    type: 'object'
  },
  [wellKnown.time]: {
    description: 'Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.',
    type: 'string',
    format: 'date-time'
  },
  [wellKnown.microTime]: {
    description: 'MicroTime is version of Time with microsecond level precision.',
    type: 'string',
    format: 'date-time'
  },
  [wellKnown.fieldsV1]: {
    description: 'FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format.',
    type: 'object'
  },
  [wellKnown.patch]: {
    description: 'Patch is provided to give a concrete name and type to the Kubernetes PATCH request body.',
    type: 'object'
  }
})
