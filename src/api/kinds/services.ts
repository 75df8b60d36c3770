import { ageColumn, column, formatLabels, nameColumn, wideColumn } from '../columns.js'
import { applyServiceDefaults, carryOverService } from '../defaults/service.js'
import type { Service } from '../types.js'
import { validateService } from '../validation/services.js'
import { serviceWarnings } from '../warnings/service-warnings.js'
import { defineKind, statusSubresource } from './define-kind.js'

/** pkg/printers/internalversion getServiceExternalIP */
function externalIp({ spec, status }: Service): string {
  const external = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer': {
      const balanced = (status?.loadBalancer?.ingress ?? []).map((i) => i.ip || (i.hostname ?? ''))
      const all = [...balanced, ...external].filter((text) => text !== '')
      return all.length === 0 ? '<pending>' : all.join(',')
    }
    default:
      return external.length === 0 ? '<none>' : external.join(',')
  }
}

/** `80/TCP,443:30443/TCP` */
function ports({ spec }: Service): string {
  if ((spec.ports ?? []).length === 0) return '<none>'
  return (spec.ports ?? [])
    .map(
      ({ port, nodePort, protocol = '' }) =>
        `${String(port)}${nodePort ? `:${String(nodePort)}` : ''}/${protocol}`
    )
    .join(',')
}

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  subresources: [statusSubresource],
  nameRule: 'label1035',
  generation: false,
  applyDefaults: applyServiceDefaults,
  prepareForCreate: (service) => {
    service.status = { loadBalancer: {} }
  },
  prepareForUpdate: carryOverService,
  validate: validateService,
  warnings: serviceWarnings,
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? ''
  },
  columns: [
    nameColumn,
    column('Type', ({ spec }) => spec.type ?? ''),
    column('Cluster-IP', ({ spec }) => spec.clusterIPs?.[0] || spec.clusterIP || '<none>'),
    column('External-IP', externalIp),
    column('Port(s)', ports),
    ageColumn,
    wideColumn('Selector', ({ spec }) => formatLabels(spec.selector))
  ]
})
