import type { ListMeta } from './object.js'

/** The reason field of a Status (meta/v1 StatusReason): what clients decide by. */
export type StatusReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'Timeout'
  | 'ServerTimeout'
  | 'TooManyRequests'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable'
  | 'Unknown'

export interface StatusCause {
  reason?: string | undefined
  message?: string | undefined
  field?: string | undefined
}

export interface StatusDetails {
  name?: string | undefined
  group?: string | undefined
  kind?: string | undefined
  uid?: string | undefined
  causes?: StatusCause[] | undefined
  retryAfterSeconds?: number | undefined
}

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Partial<ListMeta>
  status: 'Success' | 'Failure'
  message?: string | undefined
  reason?: StatusReason | undefined
  details?: StatusDetails | undefined
  code?: number | undefined
}

/** Which resource an error is about: the plural name and the group. */
export interface ResourceName {
  group: string
  plural: string
}

/** Why a field was refused (apimachinery field.ErrorType). */
export type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'FieldValueNotFound'
  | 'InternalError'

/** One field's error; `message` is upstream's text without the leading path. */
export interface FieldError {
  type: FieldErrorType
  field: string
  message: string
}

/** An API error: carries the Status that goes over the wire. Classify by `reason`, never by text. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: Status
  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown error', options)
    this.status = status
  }

  get code(): number {
    return this.status.code ?? 500
  }
  get reason(): StatusReason {
    return this.status.reason ?? 'Unknown'
  }
}

export function isReason(error: unknown, ...reasons: StatusReason[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.reason)
}

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code
  })
}

const qualified = (r: ResourceName) => (r.group ? `${r.plural}.${r.group}` : r.plural)
const details = (r: ResourceName, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(r.group ? { group: r.group } : {}),
  kind: r.plural
})

/** Constructors for API errors with upstream's texts (apimachinery api/errors). */
export const statusErrors = {
  notFound: (r: ResourceName, name: string) =>
    failure(404, 'NotFound', `${qualified(r)} "${name}" not found`, details(r, name)),
  alreadyExists: (r: ResourceName, name: string) =>
    failure(409, 'AlreadyExists', `${qualified(r)} "${name}" already exists`, details(r, name)),
  conflict: (r: ResourceName, name: string, why: string) =>
    failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${qualified(r)} "${name}": ${why}`,
      details(r, name)
    ),
  /** The text of a failed compare-and-swap. */
  modified: (r: ResourceName, name: string) =>
    statusErrors.conflict(
      r,
      name,
      'the object has been modified; please apply your changes to the latest version and try again'
    ),
  forbidden: (r: ResourceName, name: string, why: string, causes?: StatusCause[]) =>
    failure(
      403,
      'Forbidden',
      name ? `${qualified(r)} "${name}" is forbidden: ${why}` : `${qualified(r)} is forbidden: ${why}`,
      { ...details(r, name), ...(causes ? { causes } : {}) }
    ),
  /** `kind` is the Kind here, not the plural. */
  invalid: (kind: { group: string; kind: string }, name: string, errors: FieldError[]) => {
    const texts = errors.map((e) => `${e.field}: ${e.message}`)
    const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
    const named = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
    return failure(422, 'Invalid', `${named} "${name}" is invalid: ${list}`, {
      ...(name ? { name } : {}),
      ...(kind.group ? { group: kind.group } : {}),
      kind: kind.kind,
      causes: errors.map((e) => ({ reason: e.type, message: e.message, field: e.field }))
    })
  },
  badRequest: (message: string) => failure(400, 'BadRequest', message),
  unauthorized: () => failure(401, 'Unauthorized', 'Unauthorized'),
  methodNotAllowed: (message = 'the server does not allow this method on the requested resource') =>
    failure(405, 'MethodNotAllowed', message, {}),
  notAcceptable: (accepted: readonly string[]) =>
    failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`),
  unsupportedMediaType: (accepted: readonly string[]) =>
    failure(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`
    ),
  tooLarge: (message: string) => failure(413, 'RequestEntityTooLarge', message),
  expired: (message: string) => failure(410, 'Expired', message),
  tooManyRequests: (message: string, retryAfterSeconds: number) =>
    failure(429, 'TooManyRequests', message, { retryAfterSeconds }),
  timeout: (message: string, retryAfterSeconds = 0, causes?: StatusCause[]) =>
    failure(504, 'Timeout', message, { retryAfterSeconds, ...(causes ? { causes } : {}) }),
  internal: (message: string) =>
    failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }),
  unavailable: (message: string) => failure(503, 'ServiceUnavailable', message)
}
