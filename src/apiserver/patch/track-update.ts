import type { MergeSchema } from '../../api/schema/merge-schema.js'
import type { KubeObject, ManagedFieldsEntry } from '../../base/object.js'
import {
  capUpdaters,
  decodeManagers,
  encodeManagers,
  isReset,
  isWriter,
  trackable,
  withWriter,
  withoutManagedFields
} from './managed-fields.js'
import type { Manager, Writer } from './managed-fields.js'
import { FieldSet } from './field-set.js'
import { compareValues } from './typed-value.js'

export interface TrackUpdateOptions {
  /** undefined on create. */
  before: KubeObject | undefined
  /** As it will be stored, with the managedFields that the request carried. */
  after: KubeObject
  manager: string
  schema: MergeSchema
  apiVersion: string
  subresource?: string | undefined
  /** Paths that this endpoint resets, such as `[['f:status']]`. */
  ignoredPaths?: readonly (readonly string[])[] | undefined
  now: Date
}

/** What an object has before anyone set a field: Go serialises these even when they are empty. */
const blank = { metadata: {}, spec: {}, status: {} }

/**
 * managedFields after a create, update or patch that is no apply (fieldmanager: Update): what the write changed is the
 * writer's now and nobody else's; what it removed is nobody's.
 */
export function trackUpdate(options: TrackUpdateOptions): ManagedFieldsEntry[] {
  const { before, after, schema, now, ignoredPaths = [] } = options
  const writer: Writer = {
    manager: options.manager,
    operation: 'Update',
    apiVersion: options.apiVersion,
    subresource: options.subresource ?? ''
  }
  const managers = currentManagers(options)
  // Records that are empty once stay so until someone applies (skipNonAppliedManager).
  if (before && managers.length === 0) return []
  const { added, modified, removed } = compareValues(
    schema,
    before ? withoutManagedFields(before) : blank,
    withoutManagedFields(after)
  )
  const set = trackable(added.union(modified), ignoredPaths)
  const gone = trackable(removed, ignoredPaths)
  const others = managers.map((m) =>
    isWriter(m, writer) ? m : { ...m, fields: m.fields.difference(set).difference(gone) }
  )
  const own = managers.find((m) => isWriter(m, writer))?.fields ?? new FieldSet()
  return encodeManagers(
    capUpdaters(withWriter(others, writer, { fields: own.union(set).difference(gone), now }))
  )
}

/** A request may replace the records by its own (ownership migration) or clear them; through a subresource it may not. */
function currentManagers(options: TrackUpdateOptions): Manager[] {
  const stored = options.before?.metadata.managedFields ?? []
  if (options.subresource) return decodeManagers(stored)
  const sent = options.after.metadata.managedFields
  if (isReset(sent)) return []
  return decodeManagers(sent && sent.length > 0 ? sent : stored)
}
