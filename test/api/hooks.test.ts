import t from 'tap'
import type { Kind } from '../../src/api/kind.js'
import { kinds } from '../../src/api/registry.js'
import type { Definition, Property } from '../../src/api/schema/definition.js'
import { wellKnown } from '../../src/api/schema/definition.js'
import { lazySchemaData } from '../../src/api/schema/load.js'
import { SchemaRegistry } from '../../src/api/schema/schema-registry.js'
import type { KubeObject } from '../../src/base/object.js'

const { definitions } = lazySchemaData()
const schemas = new SchemaRegistry({ kinds, version: 'v1.36.0' })

/** Random but repeatable (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
}

const random = seeded(7)
const chance = (share: number) => random() < share
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

const texts = ['', 'a', 'http', 'TCP', 'None', 'Local', '10.0.0.1', '*', '/x', 'a.b/c', '__proto__', 'é']
const numbers = [0, 1, -1, 80, 70000, 2147483647]

/** A value of the type, with holes: members are missing, null, empty. */
function valueOf(property: Property, depth: number): unknown {
  if (chance(0.1)) return null
  const { ref, items, additionalProperties, type, enum: words } = property
  if (items) return Array.from({ length: pick([0, 1, 1, 2]) }, () => valueOf(items, depth))
  if (additionalProperties)
    return Object.fromEntries(['a', 'constructor'].map((key) => [key, valueOf(additionalProperties, depth)]))
  if (ref === wellKnown.quantity) return pick(['1', '100m', '1Gi', '-1', 5])
  if (ref === wellKnown.intOrString) return pick([0, 80, 'http', '25%', ''])
  if (ref === wellKnown.time || ref === wellKnown.microTime) return '2026-01-01T00:00:00Z'
  if (ref === wellKnown.rawExtension || ref === wellKnown.fieldsV1) return {}
  if (ref !== undefined) return structOf(definitions[ref] ?? {}, depth - 1)
  switch (type) {
    case 'integer':
    case 'number':
      return pick(numbers)
    case 'boolean':
      return chance(0.5)
    case 'string':
      return property.format === 'byte' ? 'YQ==' : words && chance(0.7) ? pick(words) : pick(texts)
    default:
      return {}
  }
}

function structOf({ properties = {} }: Definition, depth: number): Record<string, unknown> {
  const share = depth > 4 ? 0.9 : depth > 0 ? 0.35 : 0
  const fields = Object.entries(properties).filter(() => chance(share))
  return Object.fromEntries(fields.map(([name, property]) => [name, valueOf(property, depth)]))
}

/** As the API server reads a body: types checked, nulls taken out, then what Go would write. */
function objectOf(kind: Kind, body: Record<string, unknown>): KubeObject {
  const object = {
    ...(JSON.parse(JSON.stringify(body)) as object),
    metadata: { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1' }
  } as KubeObject
  const unfit = [...schemas.typeErrors(kind, object), ...schemas.prune(kind, object)]
  if (unfit.length > 0) throw new Error(`the test makes what the schema refuses: ${unfit.join()}`)
  schemas.fillRequired(kind, object)
  return object
}

/** All that a kind declares over an object that a client has sent, in the server's order. */
function run(kind: Kind, object: KubeObject, old: KubeObject): void {
  const now = new Date('2026-01-02T00:00:00Z')
  kind.applyDefaults?.(object)
  const created = structuredClone(object)
  kind.prepareForCreate?.(created)
  const problems = kind.validate?.(created) ?? []
  kind.applyDefaults?.(old)
  const updated = structuredClone(object)
  kind.prepareForUpdate?.(updated, old)
  const updateProblems = kind.validate?.(updated, old) ?? []
  kind.validateStatus?.(updated, old)
  // What is refused is neither warned about nor shown.
  if (problems.length === 0) kind.warnings?.(created)
  if (updateProblems.length === 0) kind.warnings?.(updated, old)
  if (problems.length > 0) return
  if (typeof kind.generation === 'function') kind.generation(created, old)
  for (const read of Object.values(kind.selectableFields ?? {})) read(created)
  for (const { cell } of kind.columns) cell(created, now)
  kind.convert?.fromStored(kind.convert.toStored(created))
  kind.gracePeriodSeconds?.(created, undefined)
  kind.scale?.get(created)
}

for (const kind of kinds) {
  t.test(`${kind.kind} (${kind.group}): no rule stumbles over what the schema lets through`, async (t) => {
    const faults = new Map<string, string>()
    for (let i = 0; i < 150; i++) {
      const bodies = [
        structOf(definitions[kind.schema] ?? {}, 7),
        structOf(definitions[kind.schema] ?? {}, 7)
      ]
      const [object, old] = bodies.map((body) => objectOf(kind, body)) as [KubeObject, KubeObject]
      try {
        run(kind, object, old)
      } catch (error) {
        const { message = '', stack = '' } = error as Error
        if (!faults.has(message)) faults.set(message, `${stack}\n${JSON.stringify(bodies)}`)
      }
    }
    t.same([...faults.values()], [])
  })
}
