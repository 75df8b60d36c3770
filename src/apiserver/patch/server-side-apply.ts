import type { MergeSchema } from '../../api/schema/merge-schema.js'
import { toTime } from '../../base/clock.js'
import type { KubeObject } from '../../base/object.js'
import { StatusError, statusErrors } from '../../base/status.js'
import type { StatusCause } from '../../base/status.js'
import { FieldSet, formatPath } from './field-set.js'
import {
  decodeManagers,
  encodeManagers,
  isWriter,
  trackable,
  withWriter,
  withoutManagedFields
} from './managed-fields.js'
import type { Manager, Writer } from './managed-fields.js'
import {
  compareValues,
  fieldSetOf,
  findListFault,
  mergeValues,
  removeFields,
  withNamedFields
} from './typed-value.js'

export interface ServerSideApplyOptions {
  /** undefined: the object is created. */
  live: KubeObject | undefined
  /** The configuration: the fields that the manager has an opinion about. */
  applied: Record<string, unknown>
  manager: string
  /** Take fields over from other managers instead of failing. */
  force: boolean
  schema: MergeSchema
  apiVersion: string
  subresource?: string | undefined
  /** Paths that this endpoint resets, such as `[['f:status']]`. */
  ignoredPaths?: readonly (readonly string[])[] | undefined
  now: Date
}

/**
 * Server-side apply (structured-merge-diff: Updater.Apply). Lays the configuration over the live object, takes out what
 * the manager applied before and no longer does, unless another manager owns it, and records the ownership. Throws 409
 * Conflict, as upstream words it, when a field would change that another manager owns and `force` is not set. Applying
 * the same again returns an equal object, managedFields and their times included.
 */
export function serverSideApply(options: ServerSideApplyOptions): KubeObject {
  const { schema, now, ignoredPaths = [] } = options
  const writer: Writer = {
    manager: options.manager,
    operation: 'Apply',
    apiVersion: options.apiVersion,
    subresource: options.subresource ?? ''
  }
  const fault = findListFault(schema, options.applied)
  if (fault !== undefined)
    throw statusErrors.badRequest(`failed to create typed patch object (${nameOf(options)}): ${fault}`)
  const live = options.live ? withoutManagedFields(options.live) : undefined
  const before = managersOf(options, live)
  const applied = trackable(fieldSetOf(schema, options.applied), ignoredPaths)
  const last = before.find((m) => isWriter(m, writer))?.fields
  const managers = withWriter(before, writer, { fields: applied, now })

  const configuration = withoutResetFields(options.applied, ignoredPaths)
  const merged = mergeValues(schema, live ?? {}, configuration)
  const result = last ? prune(schema, merged, last, managers) : merged

  const { added, modified, removed } = compareValues(schema, live ?? {}, result)
  const taken = trackable(added.union(modified), ignoredPaths)
  const conflicts = managers
    .filter((m) => !isWriter(m, writer))
    .map((m) => ({ manager: m, fields: m.fields.intersection(taken) }))
    .filter(({ fields }) => !fields.empty)
    .sort((a, b) => (a.manager.manager < b.manager.manager ? -1 : 1))
  if (conflicts.length > 0 && !options.force) throw conflictError(conflicts)

  const gone = trackable(removed, ignoredPaths)
  const settled = managers.map((m) =>
    isWriter(m, writer)
      ? m
      : { ...m, fields: m.fields.difference(taken.intersection(m.fields)).difference(gone) }
  )
  const touched = !added.empty || !modified.empty || !removed.empty
  const timed = touched ? withWriter(settled, writer, { fields: applied, now, touched }) : settled
  const object = result as KubeObject
  return { ...object, metadata: { ...object.metadata, managedFields: encodeManagers(timed) } }
}

function nameOf({ applied, apiVersion }: ServerSideApplyOptions): string {
  const { metadata, kind } = applied as unknown as KubeObject
  return `${metadata.namespace ?? ''}/${metadata.name}; ${apiVersion}, Kind=${kind ?? ''}`
}

/** An object from before the records began: its fields are given to a manager of their own. */
function managersOf(options: ServerSideApplyOptions, live: KubeObject | undefined): Manager[] {
  const entries = options.live?.metadata.managedFields ?? []
  if (!live || entries.length > 0) return decodeManagers(entries)
  const fields = trackable(fieldSetOf(options.schema, live), [])
  return [
    {
      manager: 'before-first-apply',
      operation: 'Update',
      apiVersion: options.apiVersion,
      subresource: '',
      time: toTime(options.now),
      fields
    }
  ]
}

/** What the endpoint resets is taken out of the configuration: a status sent to the main resource is ignored. */
function withoutResetFields(
  applied: Record<string, unknown>,
  ignoredPaths: readonly (readonly string[])[]
): Record<string, unknown> {
  const set = new FieldSet()
  for (const path of ignoredPaths) set.insert(path)
  return removeFields(undefined, applied, set) as Record<string, unknown>
}

/** Removes what only the manager's last configuration asked for (Updater.prune). */
function prune(schema: MergeSchema, merged: unknown, last: FieldSet, managers: readonly Manager[]): unknown {
  let owned = new FieldSet()
  for (const manager of managers) owned = owned.union(withNamedFields(schema, manager.fields))
  return removeFields(schema, merged, withNamedFields(schema, last).difference(owned))
}

function describeManager(m: Manager): string {
  const subresource = m.subresource ? ` with subresource "${m.subresource}"` : ''
  // An applier is one whatever version it uses; an updater is told with its version.
  return `"${m.manager}"${subresource}${m.operation === 'Update' ? ` using ${m.apiVersion}` : ''}`
}

function conflictError(conflicts: readonly { manager: Manager; fields: FieldSet }[]): StatusError {
  const causes: StatusCause[] = conflicts.flatMap(({ manager, fields }) =>
    fields.paths().map((path) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${describeManager(manager)}`,
      field: formatPath(path)
    }))
  )
  const single = causes.length === 1 ? causes[0] : undefined
  const text = single
    ? `${single.message ?? ''}: ${single.field ?? ''}`
    : conflicts
        .map(({ manager, fields }) =>
          [
            `conflicts with ${describeManager(manager)}:`,
            ...fields.paths().map((path) => `- ${formatPath(path)}`)
          ].join('\n')
        )
        .join('\n')
  const message = `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}: ${text}`
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'Conflict',
    message,
    details: { causes },
    code: 409
  })
}
