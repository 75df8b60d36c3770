import type { FieldError } from '../../base/status.js'
import type { IntOrString } from '../types.js'
import { fieldErrors, nonNegative } from './field-errors.js'

/** A count or a percentage (apps ValidatePositiveIntOrPercent). */
export function validateIntOrPercent(value: IntOrString | undefined, field: string): FieldError[] {
  if (value === undefined) return []
  if (typeof value === 'number') return nonNegative(value, field)
  return /^[0-9]+%$/.test(value)
    ? []
    : [
        fieldErrors.invalid(
          field,
          value,
          "a valid percent string must be a numeric string followed by an ending '%' " +
            "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        )
      ]
}

/** More than all of them makes no sense (apps IsNotMoreThan100Percent). */
export function validateAtMost100Percent(value: IntOrString | undefined, field: string): FieldError[] {
  return typeof value === 'string' && /^[0-9]+%$/.test(value) && Number(value.slice(0, -1)) > 100
    ? [fieldErrors.invalid(field, value, 'must not be greater than 100%')]
    : []
}
