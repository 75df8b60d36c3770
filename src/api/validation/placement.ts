import type { FieldError } from '../../base/status.js'
import type { NodeSelectorTerm, PodSpec, Toleration, TopologySpreadConstraint } from '../types.js'
import { fieldErrors, invalidAll, oneOf } from './field-errors.js'
import { validateLabelSelector } from './labels.js'
import { labelValueProblems, qualifiedNameProblems } from './names.js'

/** core ValidateTolerations */
export function validateTolerations(tolerations: readonly Toleration[], at: string): FieldError[] {
  return tolerations.flatMap((toleration, i) => {
    const field = `${at}[${String(i)}]`
    const { key = '', operator = '', value = '', effect = '' } = toleration
    const errors = key ? invalidAll(`${field}.key`, key, qualifiedNameProblems(key)) : []
    if (!key && operator !== 'Exists') {
      errors.push(
        fieldErrors.invalid(
          `${field}.operator`,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        )
      )
    }
    if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(
        fieldErrors.invalid(
          `${field}.effect`,
          effect,
          "effect must be 'NoExecute' when `tolerationSeconds` is set"
        )
      )
    }
    if (operator === '' || operator === 'Equal')
      errors.push(...invalidAll(`${field}.operator`, value, labelValueProblems(value)))
    else if (operator === 'Exists') {
      if (value)
        errors.push(
          fieldErrors.invalid(
            `${field}.operator`,
            toleration,
            "value must be empty when `operator` is 'Exists'"
          )
        )
    } else errors.push(fieldErrors.notSupported(`${field}.operator`, operator, ['Equal', 'Exists']))
    return [...errors, ...oneOf(effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule'], `${field}.effect`)]
  })
}

export function validateAffinity(spec: PodSpec, at: string): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const errors: FieldError[] = []
  const nodeField = `${at}.nodeAffinity`
  const needed = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (needed) {
    const field = `${nodeField}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`
    if ((needed.nodeSelectorTerms ?? []).length === 0) {
      errors.push(fieldErrors.required(field, 'must have at least one node selector term'))
    }
    ;(needed.nodeSelectorTerms ?? []).forEach((term, i) => {
      errors.push(...validateNodeTerm(term, `${field}[${String(i)}]`))
    })
  }
  nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
    if (term.weight < 1 || term.weight > 100) {
      errors.push(
        fieldErrors.invalid(
          `${nodeField}.preferredDuringSchedulingIgnoredDuringExecution[${String(i)}].weight`,
          term.weight,
          'must be in the range 1-100'
        )
      )
    }
    errors.push(
      ...validateNodeTerm(
        term.preference,
        `${nodeField}.preferredDuringSchedulingIgnoredDuringExecution[${String(i)}].preference`
      )
    )
  })
  for (const [name, affinity] of Object.entries({ podAffinity, podAntiAffinity })) {
    const base = `${at}.${name}`
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      errors.push(
        ...validateAffinityTerm(term, `${base}.requiredDuringSchedulingIgnoredDuringExecution[${String(i)}]`)
      )
    })
    affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      const field = `${base}.preferredDuringSchedulingIgnoredDuringExecution[${String(i)}]`
      if (term.weight < 1 || term.weight > 100) {
        errors.push(fieldErrors.invalid(`${field}.weight`, term.weight, 'must be in the range 1-100'))
      }
      errors.push(...validateAffinityTerm(term.podAffinityTerm, `${field}.podAffinityTerm`))
    })
  }
  return errors
}

/** core ValidateNodeSelectorTerm */
function validateNodeTerm(term: NodeSelectorTerm, at: string): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap(({ key, operator, values }, i) => {
      const path = `${at}.matchExpressions[${String(i)}]`
      return [
        ...validateOperator(operator, values, path),
        ...invalidAll(`${path}.key`, key, qualifiedNameProblems(key))
      ]
    }),
    ...(term.matchFields ?? []).flatMap(({ key, operator, values = [] }, i) => {
      const path = `${at}.matchFields[${String(i)}]`
      const errors =
        key === 'metadata.name'
          ? []
          : [fieldErrors.invalid(`${path}.key`, key, 'not a valid field selector key')]
      if (operator !== 'In' && operator !== 'NotIn')
        errors.push(fieldErrors.invalid(`${path}.operator`, operator, 'not a valid selector operator'))
      else if (values.length !== 1) {
        errors.push(
          fieldErrors.required(
            `${path}.values`,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
          )
        )
      }
      return errors
    })
  ]
}

function validateOperator(operator: string, values: readonly string[] = [], at: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
        ? []
        : [fieldErrors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? []
        : [
            fieldErrors.forbidden(
              `${at}.values`,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
          ]
    case 'Gt':
    case 'Lt':
      return values.length === 1
        ? []
        : [
            fieldErrors.required(
              `${at}.values`,
              "must be specified single value when `operator` is 'Lt' or 'Gt'"
            )
          ]
    default:
      return [fieldErrors.invalid(`${at}.operator`, operator, 'not a valid selector operator')]
  }
}

type AffinityTerm = NonNullable<
  NonNullable<
    NonNullable<PodSpec['affinity']>['podAffinity']
  >['requiredDuringSchedulingIgnoredDuringExecution']
>[number]

const validateAffinityTerm = (term: AffinityTerm, at: string): FieldError[] => [
  ...validateLabelSelector(term.labelSelector, `${at}.labelSelector`),
  ...(term.topologyKey
    ? invalidAll(`${at}.topologyKey`, term.topologyKey, qualifiedNameProblems(term.topologyKey))
    : [fieldErrors.required(`${at}.topologyKey`, 'can not be empty')])
]

export function validateSpreading(spec: PodSpec, at: string): FieldError[] {
  return (spec.topologySpreadConstraints ?? []).flatMap((constraint, i) => {
    const field = `${at}[${String(i)}]`
    return [
      ...(constraint.maxSkew <= 0
        ? [fieldErrors.invalid(`${field}.maxSkew`, constraint.maxSkew, 'must be greater than zero')]
        : []),
      ...(constraint.topologyKey ? [] : [fieldErrors.required(`${field}.topologyKey`, 'can not be empty')]),
      ...validateMinDomains(constraint, `${field}.minDomains`),
      ...oneOf(constraint.nodeAffinityPolicy, ['Honor', 'Ignore'], `${field}.nodeAffinityPolicy`),
      ...oneOf(constraint.nodeTaintsPolicy, ['Honor', 'Ignore'], `${field}.nodeTaintsPolicy`),
      ...oneOf(
        constraint.whenUnsatisfiable,
        ['DoNotSchedule', 'ScheduleAnyway'],
        `${field}.whenUnsatisfiable`,
        'required'
      ),
      ...validateLabelSelector(constraint.labelSelector, `${field}.labelSelector`)
    ]
  })
}

function validateMinDomains(
  { minDomains, whenUnsatisfiable }: TopologySpreadConstraint,
  field: string
): FieldError[] {
  if (minDomains === undefined) return []
  if (minDomains <= 0) return [fieldErrors.invalid(field, minDomains, 'must be greater than zero')]
  return whenUnsatisfiable === 'DoNotSchedule'
    ? []
    : [
        fieldErrors.invalid(
          field,
          minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
        )
      ]
}
