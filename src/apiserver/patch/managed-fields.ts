import { toTime } from '../../base/clock.js'
import type { KubeObject, ManagedFieldsEntry } from '../../base/object.js'
import { FieldSet } from './field-set.js'

/** Who owns which fields: one record per manager, operation, version and subresource. */
export interface Manager {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldSet
}

/** Fields that are nobody's: names, and what the server keeps itself (fieldmanager/stripmeta.go). */
const untracked: readonly string[][] = [
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata', 'f:name'],
  ['f:metadata', 'f:namespace'],
  ['f:metadata', 'f:creationTimestamp'],
  ['f:metadata', 'f:selfLink'],
  ['f:metadata', 'f:uid'],
  ['f:metadata', 'f:clusterName'],
  ['f:metadata', 'f:generation'],
  ['f:metadata', 'f:managedFields'],
  ['f:metadata', 'f:resourceVersion']
]

/**
 * Without what is never tracked and what this endpoint resets (`status` on the main resource, all but it on /status).
 * The roots themselves are no one's either.
 */
export function trackable(set: FieldSet, ignored: readonly (readonly string[])[]): FieldSet {
  let result = set
  for (const path of [...untracked, ...ignored]) result = result.without(path)
  result = result.union(new FieldSet())
  result.member = false
  for (const root of ['f:metadata', 'f:spec', 'f:status']) {
    const child = result.children.get(root)
    if (child && child.children.size > 0) child.member = false
  }
  return result
}

export function decodeManagers(entries: readonly ManagedFieldsEntry[]): Manager[] {
  return entries.map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation ?? 'Update',
    apiVersion: entry.apiVersion ?? '',
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields: FieldSet.fromFieldsV1(entry.fieldsV1)
  }))
}

/** Managers that own nothing are dropped; the rest are in upstream's order: operation, time, manager, version. */
export function encodeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  const order = (m: Manager) => [m.operation, m.time ?? '', m.manager, m.apiVersion, m.subresource].join('\n')
  return managers
    .filter((m) => !m.fields.empty)
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map((m) => ({
      manager: m.manager,
      operation: m.operation,
      apiVersion: m.apiVersion,
      ...(m.time === undefined ? {} : { time: m.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: m.fields.toFieldsV1(),
      ...(m.subresource ? { subresource: m.subresource } : {})
    }))
}

/** Who writes: what tells one manager's record from another's. */
export interface Writer {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  subresource: string
}

export const isWriter = (m: Manager, writer: Writer): boolean =>
  m.manager === writer.manager &&
  m.operation === writer.operation &&
  m.subresource === writer.subresource &&
  // An applier that moves to another version stays the same one (BuildManagerIdentifier).
  (m.operation === 'Apply' || m.apiVersion === writer.apiVersion)

/**
 * The managers with the writer's set replaced. The time changes when the set does or `touched` says so: a write that
 * changes nothing leaves the records alone.
 */
export function withWriter(
  managers: readonly Manager[],
  writer: Writer,
  change: { fields: FieldSet; now: Date; touched?: boolean }
): Manager[] {
  const { fields, now, touched = false } = change
  const known = managers.find((m) => isWriter(m, writer))
  const unchanged =
    !touched && known !== undefined && known.fields.equals(fields) && known.apiVersion === writer.apiVersion
  const entry: Manager = { ...writer, fields, time: unchanged ? known.time : toTime(now) }
  return [...managers.filter((m) => m !== known), entry]
}

/** `[{}]` in a request clears the records; an empty list does not (isResetManagedFields). */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  return entries?.length === 1 && Object.keys(entries[0] ?? {}).length === 0
}

const maxUpdaters = 10
const ancient = 'ancient-changes'

/**
 * At most ten managers of operation Update: the oldest of a version beyond that are put together under one name, so that
 * clients with names of their own kind do not let the records grow for ever (capManagersManager).
 */
export function capUpdaters(managers: readonly Manager[]): Manager[] {
  const updaters = managers.filter((m) => m.operation === 'Update' && !m.fields.empty)
  const excess = updaters.length - maxUpdaters
  if (excess <= 0) return [...managers]
  const oldest = [...updaters].sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1)).slice(0, excess + 1)
  const buckets = new Map<string, Manager>()
  for (const m of oldest) {
    const bucket = buckets.get(m.apiVersion)
    const fields = bucket ? bucket.fields.union(m.fields) : m.fields
    buckets.set(m.apiVersion, { ...m, manager: ancient, subresource: '', fields })
  }
  return [...managers.filter((m) => !oldest.includes(m)), ...buckets.values()]
}

/** The object without its managedFields: what owners own. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata
  return { ...object, metadata: metadata }
}
