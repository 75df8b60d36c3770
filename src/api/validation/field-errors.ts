import type { FieldError } from '../../base/status.js'

/** As Go prints the value in a field error: strings quoted, pointers followed, structs as JSON. */
const shown = (value: unknown): string => (value === undefined ? '""' : JSON.stringify(value))

/** Constructors of field errors with upstream's texts (apimachinery util/validation/field). */
export const fieldErrors = {
  required: (field: string, detail = ''): FieldError => ({
    type: 'FieldValueRequired',
    field,
    message: detail ? `Required value: ${detail}` : 'Required value'
  }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    type: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${shown(value)}: ${detail}`
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    type: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${shown(value)}: supported values: ${[...supported].sort().map(shown).join(', ')}`
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    type: 'FieldValueForbidden',
    field,
    message: `Forbidden: ${detail}`
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    type: 'FieldValueDuplicate',
    field,
    message: `Duplicate value: ${shown(value)}`
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    type: 'FieldValueNotFound',
    field,
    message: `Not found: ${shown(value)}`
  }),
  tooLong: (field: string, most: number): FieldError => ({
    type: 'FieldValueTooLong',
    field,
    message: `Too long: may not be more than ${String(most)} bytes`
  }),
  tooMany: (field: string, found: number, most: number): FieldError => ({
    type: 'FieldValueTooMany',
    field,
    message: `Too many: ${String(found)}: must have at most ${String(most)} items`
  })
}

/** One `Invalid value` per problem. */
export const invalidAll = (field: string, value: unknown, problems: readonly string[]): FieldError[] =>
  problems.map((problem) => fieldErrors.invalid(field, value, problem))

/** Texts that many validators share. */
export const messages = {
  immutable: 'field is immutable',
  notNegative: 'must be greater than or equal to 0',
  port: 'must be between 1 and 65535, inclusive'
} as const

/** An integer that may not be negative (ValidateNonnegativeField). */
export const nonNegative = (value: number | undefined, field: string): FieldError[] =>
  value !== undefined && value < 0 ? [fieldErrors.invalid(field, value, messages.notNegative)] : []

/** One of a closed list; `undefined` passes unless `need` says otherwise. */
export function oneOf(
  value: string | undefined,
  supported: readonly string[],
  field: string,
  need: 'required' | 'optional' = 'optional'
): FieldError[] {
  if (value === undefined || value === '') return need === 'required' ? [fieldErrors.required(field)] : []
  return supported.includes(value) ? [] : [fieldErrors.notSupported(field, value, supported)]
}

/** The field may not change (apimachinery ValidateImmutableField). */
export const immutable = (next: unknown, old: unknown, field: string): FieldError[] =>
  sameValue(next, old) ? [] : [fieldErrors.invalid(field, next, messages.immutable)]

/** Deep equality of JSON values that takes absent, null and empty lists and maps for the same, as Go does. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => sameValue(item, b[i]))
    )
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const keys = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...keys].every((key) => sameValue(left[key], right[key]))
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
