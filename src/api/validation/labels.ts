import type { FieldError } from '../../base/status.js'
import type { LabelSelector } from '../types.js'
import { fieldErrors, invalidAll } from './field-errors.js'
import { labelValueProblems, qualifiedNameProblems } from './names.js'

/** Labels outside of metadata: of pod templates, selectors, node selectors (apimachinery ValidateLabels). */
export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string
): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...invalidAll(field, key, qualifiedNameProblems(key)),
    ...invalidAll(field, value, labelValueProblems(value))
  ])
}

/** apimachinery ValidateLabelSelector */
export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldError[] {
  if (!selector) return []
  const expressions = (selector.matchExpressions ?? []).flatMap(({ key, operator, values = [] }, i) => {
    const at = `${field}.matchExpressions[${String(i)}]`
    const errors: FieldError[] = []
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(
          fieldErrors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
        )
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(
          fieldErrors.forbidden(
            `${at}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
          )
        )
      }
    } else errors.push(fieldErrors.invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    errors.push(...invalidAll(`${at}.key`, key, qualifiedNameProblems(key)))
    values.forEach((value, j) => {
      errors.push(...invalidAll(`${at}.values[${String(j)}]`, value, labelValueProblems(value)))
    })
    return errors
  })
  return [...validateLabels(selector.matchLabels, `${field}.matchLabels`), ...expressions]
}

export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0
