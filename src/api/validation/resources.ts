import { compareQuantities, isQuantity, quantityToMilli } from '../../base/quantity.js'
import type { FieldError } from '../../base/status.js'
import type { ResourceRequirements } from '../types.js'
import { fieldErrors, invalidAll, messages } from './field-errors.js'
import { qualifiedNameProblems } from './names.js'

const quantityForm =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const standardNames = ['cpu', 'memory', 'ephemeral-storage']

/** A quantity that may not be negative. */
export function validateQuantity(value: string, field: string): FieldError[] {
  if (!isQuantity(value)) return [fieldErrors.invalid(field, value, quantityForm)]
  return compareQuantities(value, 0) < 0 ? [fieldErrors.invalid(field, value, messages.notNegative)] : []
}

function validateResourceName(name: string, field: string): FieldError[] {
  const problems = qualifiedNameProblems(name)
  if (problems.length > 0) return invalidAll(field, name, problems)
  const known = name.includes('/') || standardNames.includes(name) || name.startsWith('hugepages-')
  return known
    ? []
    : [fieldErrors.invalid(field, name, 'must be a standard resource type or fully qualified')]
}

/** core ValidateResourceRequirements: names, quantities, request at most limit. */
export function validateResourceRequirements(
  resources: ResourceRequirements | undefined,
  field: string
): FieldError[] {
  const { limits = {}, requests = {}, claims = [] } = resources ?? {}
  const errors: FieldError[] = []
  for (const [name, value] of Object.entries(limits)) {
    errors.push(
      ...validateResourceName(name, `${field}.limits`),
      ...validateQuantity(value, `${field}.limits[${name}]`)
    )
  }
  for (const [name, value] of Object.entries(requests)) {
    errors.push(
      ...validateResourceName(name, `${field}.requests`),
      ...validateQuantity(value, `${field}.requests[${name}]`)
    )
    const limit = limits[name]
    if (limit === undefined || !isQuantity(limit) || !isQuantity(value)) continue
    if (compareQuantities(value, limit) > 0) {
      errors.push(
        fieldErrors.invalid(
          `${field}.requests`,
          value,
          `must be less than or equal to ${name} limit of ${limit}`
        )
      )
    } else if (name.includes('/') && compareQuantities(value, limit) !== 0) {
      errors.push(
        fieldErrors.invalid(`${field}.requests`, value, `must be equal to ${name} limit of ${limit}`)
      )
    }
  }
  for (const name of new Set([...Object.keys(limits), ...Object.keys(requests)])) {
    const value = limits[name] ?? requests[name] ?? ''
    if (name.includes('/') && isQuantity(value) && quantityToMilli(value) % 1000 !== 0) {
      errors.push(fieldErrors.invalid(`${field}.limits[${name}]`, value, 'must be an integer'))
    }
  }
  if (claims.length > 0)
    errors.push(fieldErrors.forbidden(`${field}.claims`, 'mk does not support dynamic resource allocation'))
  return errors
}
