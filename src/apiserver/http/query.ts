import { statusErrors } from '../../base/status.js'
import type { FieldError } from '../../base/status.js'
import type { DeleteOptions, PatchOptions } from '../../client/transport.js'
import { isObject } from '../json.js'
import type { EntityWatchOptions } from '../verbs/watch.js'

/** Go's reading of a flag in a query: absent and empty are false, as are `0` and `false`. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  return !(text === '0' || text.toLowerCase() === 'false')
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text)
  throw statusErrors.badRequest(
    `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax in query parameter ${name}`
  )
}

const text = (query: URLSearchParams, name: string): string | undefined => query.get(name) ?? undefined

export type CollectionQuery = EntityWatchOptions & {
  limit?: number | undefined
  continue?: string | undefined
}

/** meta/v1 ListOptions. */
export function listOptions(query: URLSearchParams): CollectionQuery {
  return {
    labelSelector: text(query, 'labelSelector'),
    fieldSelector: text(query, 'fieldSelector'),
    limit: integer(query, 'limit'),
    continue: text(query, 'continue'),
    resourceVersion: text(query, 'resourceVersion'),
    resourceVersionMatch: text(query, 'resourceVersionMatch') || undefined,
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    timeoutSeconds: integer(query, 'timeoutSeconds')
  }
}

const validations = ['Ignore', 'Warn', 'Strict'] as const

/** meta/v1 CreateOptions, UpdateOptions and PatchOptions. */
export function writeOptions(query: URLSearchParams, kind: string): PatchOptions {
  const errors: FieldError[] = []
  const dryRun = dryRunOf(query.getAll('dryRun'), errors)
  const fieldManager = text(query, 'fieldManager')
  if (fieldManager !== undefined) errors.push(...managerErrors(fieldManager))
  const validation = text(query, 'fieldValidation') || undefined
  const fieldValidation = validations.find((one) => one === validation)
  if (validation !== undefined && !fieldValidation) {
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'fieldValidation',
      message: `Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Strict", "Warn"`
    })
  }
  if (errors.length > 0) throw statusErrors.invalid({ group: 'meta.k8s.io', kind }, '', errors)
  return { dryRun, fieldManager: fieldManager || undefined, fieldValidation, force: flag(query, 'force') }
}

function dryRunOf(values: readonly unknown[], errors: FieldError[]): boolean {
  const given = values.filter((value) => value !== '')
  if (given.some((value) => value !== 'All')) {
    const message = `Unsupported value: ${JSON.stringify(given)}: supported values: "All"`
    errors.push({ type: 'FieldValueNotSupported', field: 'dryRun', message })
  }
  return given.length > 0
}

function managerErrors(manager: string): FieldError[] {
  const field = 'fieldManager'
  if (Buffer.byteLength(manager) > 128) {
    return [{ type: 'FieldValueTooLong', field, message: 'Too long: may not be more than 128 bytes' }]
  }
  if (!/[\u0000-\u001f\u007f]/.test(manager)) return []
  const message = `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`
  return [{ type: 'FieldValueInvalid', field, message }]
}

const bad = (what: string) =>
  statusErrors.badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${what}`)

/** meta/v1 DeleteOptions, from the body if there is one, else from the query. */
export function deleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  const given = body === undefined || body === null ? {} : body
  if (!isObject(given)) throw bad('expected an object')
  if (given['kind'] !== undefined && given['kind'] !== 'DeleteOptions') {
    throw bad(`the body is of kind ${JSON.stringify(given['kind'])}`)
  }
  const errors: FieldError[] = []
  const { propagationPolicy, orphanDependents, gracePeriodSeconds, preconditions, dryRun } = given
  const policy = propagationPolicy ?? text(query, 'propagationPolicy')
  const orphan = orphanDependents ?? flag(query, 'orphanDependents')
  const grace = gracePeriodSeconds ?? integer(query, 'gracePeriodSeconds')
  if (policy !== undefined && typeof policy !== 'string') throw bad('propagationPolicy must be a string')
  if (grace !== undefined && !Number.isSafeInteger(grace)) throw bad('gracePeriodSeconds must be an integer')
  if (dryRun !== undefined && dryRun !== null && !Array.isArray(dryRun)) throw bad('dryRun must be a list')
  if (policy && orphan !== undefined && orphan !== null) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    errors.push({
      type: 'FieldValueInvalid',
      field: 'propagationPolicy',
      message: `Invalid value: ${JSON.stringify(policy)}: ${why}`
    })
  }
  const dry = dryRunOf((dryRun as unknown[] | undefined) ?? query.getAll('dryRun'), errors)
  if (errors.length > 0)
    throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  const fromOrphan = typeof orphan === 'boolean' ? (orphan ? 'Orphan' : 'Background') : undefined
  return {
    gracePeriodSeconds: grace as number | undefined,
    // A word that is none is refused where deletion is carried out.
    propagationPolicy: (policy || fromOrphan) as DeleteOptions['propagationPolicy'],
    preconditions: preconditionsOf(preconditions),
    dryRun: dry
  }
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw bad('preconditions must be an object')
  const { uid, resourceVersion } = value
  const isText = (one: unknown): one is string | undefined => one === undefined || typeof one === 'string'
  if (!isText(uid) || !isText(resourceVersion)) throw bad('preconditions hold strings')
  return { uid, resourceVersion }
}
