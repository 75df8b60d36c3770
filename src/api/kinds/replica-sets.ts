import { ageColumn, column, nameColumn, wideColumn } from '../columns.js'
import { applyPodTemplateDefaults } from '../defaults/pod-spec.js'
import type { ReplicaSet, ReplicaSetSpec } from '../types.js'
import { immutable, nonNegative } from '../validation/field-errors.js'
import { validateSelectorAndTemplate } from '../validation/workloads.js'
import { templateWarnings } from '../warnings/pod-warnings.js'
import { defineKind, scaleSubresource, statusSubresource } from './define-kind.js'
import { containerImages, containerNames, formatSelector } from './workload-columns.js'

export const replicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  subresources: [scaleSubresource, statusSubresource],
  applyDefaults: (set) => {
    set.spec ??= {} as ReplicaSetSpec
    set.spec.replicas ??= 1
    set.spec.template ??= {}
    applyPodTemplateDefaults(set.spec.template)
    set.status ??= { replicas: 0 }
  },
  prepareForCreate: (set) => {
    set.status = { replicas: 0 }
  },
  validate: ({ spec }, old) => [
    ...nonNegative(spec.replicas, 'spec.replicas'),
    ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateSelectorAndTemplate('deployment', spec),
    ...(old ? immutable(spec.selector, old.spec.selector, 'spec.selector') : [])
  ],
  validateStatus: ({ status }) => [
    ...nonNegative(status?.replicas, 'status.replicas'),
    ...nonNegative(status?.readyReplicas, 'status.readyReplicas'),
    ...nonNegative(status?.availableReplicas, 'status.availableReplicas')
  ],
  warnings: ({ spec }, old) => templateWarnings(spec.template, old?.spec.template),
  selectableFields: { 'status.replicas': (set) => String(set.status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column('Desired', ({ spec }) => spec.replicas ?? 0, 'integer'),
    column('Current', ({ status }) => status?.replicas ?? 0, 'integer'),
    column('Ready', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
    ageColumn,
    wideColumn('Containers', ({ spec }) => containerNames(spec.template)),
    wideColumn('Images', ({ spec }) => containerImages(spec.template)),
    wideColumn('Selector', ({ spec }) => formatSelector(spec.selector))
  ],
  scale: {
    get: ({ spec, status }) => {
      const selector = formatSelector(spec.selector)
      return {
        specReplicas: spec.replicas ?? 0,
        statusReplicas: status?.replicas ?? 0,
        selector: selector === '<none>' ? '' : selector
      }
    },
    setReplicas: (set, replicas) => {
      set.spec.replicas = replicas
    }
  }
})
