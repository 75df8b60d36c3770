import type { FieldError } from '../../base/status.js'
import { selectorFromLabelSelector } from '../../base/selectors.js'
import type { LabelSelector, PodTemplateSpec } from '../types.js'
import { fieldErrors } from './field-errors.js'
import { isEmptySelector, validateLabelSelector } from './labels.js'
import { validatePodTemplate } from './pod-spec.js'

/** Selector and template of a workload that keeps pods running (apps ValidatePodTemplateSpecForReplicaSet). */
export function validateSelectorAndTemplate(
  kind: string,
  spec: { selector?: LabelSelector | undefined; template?: PodTemplateSpec | undefined }
): FieldError[] {
  const { selector, template } = spec
  if (!selector) {
    return [
      fieldErrors.required('spec.selector'),
      ...(template ? validatePodTemplate(template, 'spec.template') : [])
    ]
  }
  const errors = validateLabelSelector(selector, 'spec.selector')
  const malformed = errors.length > 0
  if (isEmptySelector(selector)) {
    errors.push(fieldErrors.invalid('spec.selector', selector, `empty selector is invalid for ${kind}`))
  }
  if (!template) return [...errors, fieldErrors.required('spec.template')]
  const labels = template.metadata?.labels
  if (!malformed && !isEmptySelector(selector) && !selectorFromLabelSelector(selector).matches(labels)) {
    errors.push(
      fieldErrors.invalid(
        'spec.template.metadata.labels',
        labels ?? null,
        '`selector` does not match template `labels`'
      )
    )
  }
  errors.push(...validatePodTemplate(template, 'spec.template'))
  if (template.spec && template.spec.restartPolicy !== 'Always') {
    errors.push(
      fieldErrors.notSupported('spec.template.spec.restartPolicy', template.spec.restartPolicy, ['Always'])
    )
  }
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.push(
      fieldErrors.forbidden(
        'spec.template.spec.activeDeadlineSeconds',
        'activeDeadlineSeconds in ReplicaSet is not Supported'
      )
    )
  }
  return errors
}
