import type { FieldError } from '../../base/status.js'
import type { Container, Pod, PodSpec } from '../types.js'
import { fieldErrors, immutable, sameValue } from './field-errors.js'

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** core ValidatePodUpdate: what may change once a pod exists. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = []
  const [next, before] = [pod.spec, old.spec]
  if ((next.containers ?? []).length !== (before.containers ?? []).length) {
    return [fieldErrors.forbidden('spec.containers', 'pod updates may not add or remove containers')]
  }
  if ((next.initContainers ?? []).length !== (before.initContainers ?? []).length) {
    return [fieldErrors.forbidden('spec.initContainers', 'pod updates may not add or remove containers')]
  }
  for (const name of ['containers', 'initContainers'] as const) {
    ;(next[name] ?? []).forEach((container, i) => {
      if (!container.image) errors.push(fieldErrors.required(`spec.${name}[${String(i)}].image`))
    })
  }
  errors.push(...validateDeadline(next, before), ...validateTolerationsUpdate(next, before))
  errors.push(...immutable(next.ephemeralContainers, before.ephemeralContainers, 'spec.ephemeralContainers'))
  if (!sameValue(comparable(next, before), comparable(before, before))) {
    errors.push(fieldErrors.forbidden('spec', mayChange))
  }
  return errors
}

function validateDeadline(next: PodSpec, before: PodSpec): FieldError[] {
  const [value, old] = [next.activeDeadlineSeconds, before.activeDeadlineSeconds]
  const field = 'spec.activeDeadlineSeconds'
  if (value === undefined) {
    return old === undefined
      ? []
      : [fieldErrors.invalid(field, null, 'must not update from a positive integer to nil value')]
  }
  return old !== undefined && value > old
    ? [fieldErrors.invalid(field, value, 'must be less than or equal to previous value')]
    : []
}

/** Existing tolerations stay, except that tolerationSeconds may change. */
function validateTolerationsUpdate(next: PodSpec, before: PodSpec): FieldError[] {
  const form = (toleration: object) => ({ ...toleration, tolerationSeconds: undefined })
  const kept = (before.tolerations ?? []).every((old) =>
    (next.tolerations ?? []).some((now) => sameValue(form(now), form(old)))
  )
  return kept
    ? []
    : [
        fieldErrors.forbidden(
          'spec.tolerations',
          'existing toleration can not be modified except its tolerationSeconds'
        )
      ]
}

/** The spec without what may change; scheduling gates may go, a gated pod's placement may narrow. */
function comparable(spec: PodSpec, before: PodSpec): PodSpec {
  const withoutImage = ({ image: _image, ...container }: Container) => container as Container
  const gated = (before.schedulingGates ?? []).length > 0
  return {
    ...spec,
    containers: (spec.containers ?? []).map(withoutImage),
    initContainers: spec.initContainers?.map(withoutImage),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    schedulingGates: undefined,
    ephemeralContainers: undefined,
    ...(gated ? { nodeSelector: undefined, affinity: undefined } : {}),
    ...((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
      ? { terminationGracePeriodSeconds: before.terminationGracePeriodSeconds }
      : {})
  }
}
