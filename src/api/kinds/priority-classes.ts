import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn } from '../columns.js'
import type { PriorityClass } from '../types.js'
import { fieldErrors, immutable, oneOf } from '../validation/field-errors.js'
import { defineKind } from './define-kind.js'

const highestUserPriority = 1000000000

/** Classes that the cluster itself makes, with their values. */
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2000000000,
  'system-node-critical': 2000001000
}

/** scheduling ValidatePriorityClass and ValidatePriorityClassUpdate */
function validate(object: PriorityClass, old?: PriorityClass): FieldError[] {
  const errors: FieldError[] = []
  const { name } = object.metadata
  if (name.startsWith('system-')) {
    if (systemClasses[name] !== object.value || object.globalDefault) {
      errors.push(
        fieldErrors.forbidden(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`
        )
      )
    }
  } else if ((object.value ?? 0) > highestUserPriority) {
    errors.push(
      fieldErrors.forbidden(
        'value',
        `maximum allowed value of a user defined priority is ${String(highestUserPriority)}`
      )
    )
  }
  errors.push(...oneOf(object.preemptionPolicy, ['Never', 'PreemptLowerPriority'], 'preemptionPolicy'))
  if (old) {
    if (old.value !== object.value)
      errors.push(fieldErrors.forbidden('value', 'may not be changed in an update.'))
    errors.push(...immutable(object.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'))
  }
  return errors
}

export const priorityClasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  applyDefaults: (object) => {
    object.value ??= 0
    object.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate,
  // 1 for good: nothing that counts can change.
  generation: () => false,
  columns: [
    nameColumn,
    column('Value', (object) => object.value ?? 0, 'integer'),
    column('Global-Default', (object) => object.globalDefault ?? false, 'boolean'),
    ageColumn,
    column('PreemptionPolicy', (object) => object.preemptionPolicy ?? '')
  ]
})
