import { wellKnown, type Definition, type Definitions, type Property } from '../definition.js'

type Json = Record<string, unknown>

/** The two dialects: where definitions live, and how a reference gets a description. */
export type Dialect = 'v2' | 'v3'

const places: Record<Dialect, string> = { v2: '#/definitions/', v3: '#/components/schemas/' }

export const reference = (name: string, dialect: Dialect): Json => ({ $ref: `${places[dialect]}${name}` })

/** Names of all definitions that these refer to, themselves included. */
export function reachable(definitions: Definitions, roots: Iterable<string>): Set<string> {
  const found = new Set<string>()
  const visit = (name: string) => {
    if (found.has(name) || !definitions[name]) return
    found.add(name)
    refsOf(definitions[name]).forEach(visit)
  }
  for (const name of roots) visit(name)
  return found
}

function refsOf(property: Definition): string[] {
  return [
    ...(property.ref === undefined ? [] : [property.ref]),
    ...[property.items, property.additionalProperties, ...Object.values(property.properties ?? {})].flatMap(
      (inner) => (inner ? refsOf(inner) : [])
    )
  ]
}

/** A definition as a document has it. */
export function schemaOf(
  name: string,
  definition: Definition,
  groupVersions: readonly GroupVersion[],
  dialect: Dialect
): Json {
  const types = typesOf(name, definition, groupVersions)
  return {
    ...(special(name, dialect) ?? propertySchema(definition, dialect)),
    ...(definition.properties
      ? {
          properties: Object.fromEntries(
            Object.entries(definition.properties).map(([field, property]) => [
              field,
              propertySchema(property, dialect)
            ])
          )
        }
      : {}),
    ...(definition.required ? { required: definition.required } : {}),
    ...(types.length > 0 ? { 'x-kubernetes-group-version-kind': types } : {})
  }
}

interface GroupVersion {
  group: string
  version: string
}

/** Which kinds the definition is: options and events belong to every group. */
function typesOf(name: string, { groupVersionKind }: Definition, groupVersions: readonly GroupVersion[]) {
  if (name === wellKnown.deleteOptions || name.endsWith('.meta.v1.WatchEvent')) {
    const kind = name.slice(name.lastIndexOf('.') + 1)
    return groupVersions.map(({ group, version }) => ({ group, kind, version }))
  }
  if (!groupVersionKind) return []
  const { group, version, kind } = groupVersionKind
  return [{ group, kind, version }]
}

/** Types of two JSON types at once: only v3 can say so. */
function special(name: string, dialect: Dialect): Json | undefined {
  if (dialect === 'v2') return undefined
  const numeric = { [wellKnown.quantity]: 'number', [wellKnown.intOrString]: 'integer' }[name]
  if (numeric === undefined) return undefined
  return {
    oneOf: [{ type: 'string' }, { type: numeric }],
    ...(numeric === 'integer' ? { format: 'int-or-string' } : {})
  }
}

function propertySchema(property: Property, dialect: Dialect): Json {
  const { ref, description } = property
  const extensions = {
    ...(property.default === undefined ? {} : { default: property.default }),
    ...(property.listType ? { 'x-kubernetes-list-type': property.listType } : {}),
    ...(property.listMapKeys ? { 'x-kubernetes-list-map-keys': property.listMapKeys } : {}),
    ...(property.mapType ? { 'x-kubernetes-map-type': property.mapType } : {}),
    ...(property.patchStrategy ? { 'x-kubernetes-patch-strategy': property.patchStrategy } : {}),
    ...(property.patchMergeKey ? { 'x-kubernetes-patch-merge-key': property.patchMergeKey } : {})
  }
  if (ref !== undefined) {
    // A bare reference may have no siblings in v3.
    const target = reference(ref, dialect)
    const described = { ...(description ? { description } : {}), ...extensions }
    if (dialect === 'v2') return { ...described, ...target }
    return Object.keys(described).length === 0 ? target : { ...described, allOf: [target] }
  }
  return {
    ...(description ? { description } : {}),
    ...(property.type ? { type: property.type } : {}),
    ...(property.format ? { format: property.format } : {}),
    ...(property.enum ? { enum: property.enum } : {}),
    ...(property.items ? { items: propertySchema(property.items, dialect) } : {}),
    ...(property.additionalProperties
      ? { additionalProperties: propertySchema(property.additionalProperties, dialect) }
      : {}),
    ...extensions
  }
}
