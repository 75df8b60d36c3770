import type { FieldError } from '../../base/status.js'
import { fieldErrors } from './field-errors.js'

/** The most that the data of one ConfigMap or Secret may hold (core MaxSecretSize). */
export const maxDataBytes = 1024 * 1024

/** `immutable: true` cannot be taken back, and freezes the data (core ValidateConfigMapUpdate, ValidateSecretUpdate). */
export function validateFrozen(
  object: { immutable?: boolean | undefined },
  old: { immutable?: boolean | undefined },
  changed: Record<string, boolean>
): FieldError[] {
  if (!old.immutable) return []
  const why = 'field is immutable when `immutable` is set'
  return [
    ...(object.immutable ? [] : [fieldErrors.forbidden('immutable', why)]),
    ...Object.entries(changed)
      .filter(([, differs]) => differs)
      .map(([field]) => fieldErrors.forbidden(field, why))
  ]
}
