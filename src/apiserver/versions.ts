import { statusErrors } from '../base/status.js'
import type { FieldError, StatusError } from '../base/status.js'
import { StoreError } from '../store/store.js'

/** A resourceVersion as clients send it; undefined for none. Throws 400 if it is no decimal integer. */
export function parseResourceVersion(text: string | undefined): number | undefined {
  if (!text) return undefined
  if (!/^\d{1,15}$/.test(text)) {
    const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax'
    throw statusErrors.badRequest(
      `invalid resource version: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`
    )
  }
  return Number(text)
}

/** A version that was never given out yet: clients wait and try again. */
export function tooLargeVersion(requested: number, current: number): StatusError {
  const message = `Too large resource version: ${String(requested)}, current: ${String(current)}`
  return statusErrors.timeout(message, 1, [
    { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }
  ])
}

/** History does not reach back to the version. */
export function tooOldVersion(requested: number, oldest: number): StatusError {
  return statusErrors.expired(`too old resource version: ${String(requested)} (${String(oldest)})`)
}

export const isStoreError = (error: unknown, ...codes: StoreError['code'][]): error is StoreError =>
  error instanceof StoreError && codes.includes(error.code)

export interface VersionOptions {
  resourceVersion?: string | undefined
  resourceVersionMatch?: string | undefined
  continue?: string | undefined
  sendInitialEvents?: boolean | undefined
}

/** The combinations of list and watch options that upstream refuses (meta internalversion validation). */
export function validateVersionOptions(options: VersionOptions, watch: boolean): void {
  const errors = watch ? watchErrors(options) : listErrors(options)
  if (errors.length > 0) throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
}

const forbidden = (field: string, why: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`
})
const matchField = 'resourceVersionMatch'

function listErrors(options: VersionOptions): FieldError[] {
  const errors: FieldError[] = []
  const match = options.resourceVersionMatch
  if (match) {
    if (!options.resourceVersion) {
      errors.push(
        forbidden(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided')
      )
    }
    if (options.continue)
      errors.push(forbidden(matchField, 'resourceVersionMatch is forbidden with continue'))
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(unknownMatch(match, '"Exact", "NotOlderThan", ""'))
    if (match === 'Exact' && options.resourceVersion === '0') {
      errors.push(forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  }
  return errors
}

function watchErrors(options: VersionOptions): FieldError[] {
  const errors: FieldError[] = []
  const match = options.resourceVersionMatch
  if (options.sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
    errors.push(forbidden(matchField, why))
  }
  if (match) {
    if (options.sendInitialEvents === undefined) {
      const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'
      errors.push(forbidden(matchField, why))
    }
    if (match !== 'NotOlderThan') errors.push(unknownMatch(match, '"NotOlderThan"'))
  }
  if (options.continue && (match || options.sendInitialEvents !== undefined)) {
    errors.push(forbidden(matchField, 'resourceVersionMatch is forbidden with continue'))
  }
  return errors
}

const unknownMatch = (match: string, supported: string): FieldError => ({
  type: 'FieldValueNotSupported',
  field: matchField,
  message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${supported}`
})
