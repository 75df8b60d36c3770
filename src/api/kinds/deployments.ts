import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn, wideColumn } from '../columns.js'
import { applyPodTemplateDefaults } from '../defaults/pod-spec.js'
import type { Deployment, DeploymentSpec } from '../types.js'
import { fieldErrors, immutable, nonNegative, oneOf } from '../validation/field-errors.js'
import { validateAtMost100Percent, validateIntOrPercent } from '../validation/int-or-percent.js'
import { validateSelectorAndTemplate } from '../validation/workloads.js'
import { templateWarnings } from '../warnings/pod-warnings.js'
import { defineKind, scaleSubresource, statusSubresource } from './define-kind.js'
import { containerImages, containerNames, formatSelector } from './workload-columns.js'

/** apps/v1 SetDefaults_Deployment */
function applyDefaults(deployment: Deployment): void {
  deployment.spec ??= {} as DeploymentSpec
  const { spec } = deployment
  spec.replicas ??= 1
  spec.strategy ??= {}
  spec.strategy.type ||= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
  spec.template ??= {}
  applyPodTemplateDefaults(spec.template)
  deployment.status ??= {}
}

const isZero = (value: number | string | undefined) => value === 0 || value === '0%' || value === undefined

/** apps ValidateDeploymentStrategy */
function validateStrategy({ strategy = {} }: DeploymentSpec): FieldError[] {
  const { type, rollingUpdate } = strategy
  const at = 'spec.strategy'
  if (type === 'Recreate') {
    return rollingUpdate
      ? [
          fieldErrors.forbidden(
            `${at}.rollingUpdate`,
            "may not be specified when strategy `type` is 'Recreate'"
          )
        ]
      : []
  }
  if (type !== 'RollingUpdate') return oneOf(type, ['Recreate', 'RollingUpdate'], `${at}.type`, 'required')
  if (!rollingUpdate)
    return [fieldErrors.required(`${at}.rollingUpdate`, 'this should be defaulted and never be nil')]
  const { maxUnavailable, maxSurge } = rollingUpdate
  return [
    ...validateIntOrPercent(maxUnavailable, `${at}.rollingUpdate.maxUnavailable`),
    ...validateIntOrPercent(maxSurge, `${at}.rollingUpdate.maxSurge`),
    ...(isZero(maxUnavailable) && isZero(maxSurge)
      ? [
          fieldErrors.invalid(
            `${at}.rollingUpdate.maxUnavailable`,
            maxUnavailable,
            'may not be 0 when `maxSurge` is 0'
          )
        ]
      : []),
    ...validateAtMost100Percent(maxUnavailable, `${at}.rollingUpdate.maxUnavailable`)
  ]
}

function validate({ spec }: Deployment, old?: Deployment): FieldError[] {
  const deadline = spec.progressDeadlineSeconds
  return [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...validateSelectorAndTemplate('deployment', spec),
    ...validateStrategy(spec),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...nonNegative(deadline, 'spec.progressDeadlineSeconds'),
    ...(deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)
      ? [
          fieldErrors.invalid(
            'spec.progressDeadlineSeconds',
            deadline,
            'must be greater than minReadySeconds'
          )
        ]
      : []),
    ...(old ? immutable(spec.selector, old.spec.selector, 'spec.selector') : [])
  ]
}

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  subresources: [scaleSubresource, statusSubresource],
  applyDefaults,
  prepareForCreate: (deployment) => {
    deployment.status = {}
  },
  validate,
  warnings: ({ spec }, old) => templateWarnings(spec.template, old?.spec.template),
  columns: [
    nameColumn,
    column(
      'Ready',
      ({ spec, status }) => `${String(status?.readyReplicas ?? 0)}/${String(spec.replicas ?? 0)}`
    ),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', ({ status }) => status?.availableReplicas ?? 0),
    ageColumn,
    wideColumn('Containers', ({ spec }) => containerNames(spec.template)),
    wideColumn('Images', ({ spec }) => containerImages(spec.template)),
    wideColumn('Selector', ({ spec }) => formatSelector(spec.selector))
  ],
  scale: {
    get: ({ spec, status }) => ({
      specReplicas: spec.replicas ?? 0,
      statusReplicas: status?.replicas ?? 0,
      selector: scaleSelector(spec.selector)
    }),
    setReplicas: (deployment, replicas) => {
      deployment.spec.replicas = replicas
    }
  }
})

const scaleSelector = (selector: DeploymentSpec['selector']) => {
  const text = formatSelector(selector)
  return text === '<none>' ? '' : text
}
