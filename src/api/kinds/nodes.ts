import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn, wideColumn } from '../columns.js'
import { canonicalise } from '../defaults/pod-spec.js'
import type { Node } from '../types.js'
import { fieldErrors, invalidAll, oneOf } from '../validation/field-errors.js'
import { labelValueProblems, qualifiedNameProblems } from '../validation/names.js'
import { defineKind, statusSubresource } from './define-kind.js'

const address = (node: Node, type: string) =>
  node.status?.addresses?.find((a) => a.type === type)?.address ?? '<none>'

/** `Ready,SchedulingDisabled` (printNode) */
function statusOf(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady']
  if (node.spec.unschedulable) words.push('SchedulingDisabled')
  return words.join(',')
}

function rolesOf(node: Node): string {
  const prefix = 'node-role.kubernetes.io/'
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key.length > prefix.length ? [key.slice(prefix.length)] : []
    return key === 'kubernetes.io/role' && value ? [value] : []
  })
  return roles.length === 0 ? '<none>' : [...new Set(roles)].sort().join(',')
}

/** core ValidateNodeTaints */
function validateTaints(node: Node): FieldError[] {
  const seen = new Set<string>()
  return (node.spec.taints ?? []).flatMap((taint, i) => {
    const field = `spec.taints[${String(i)}]`
    const key = `${taint.key}:${taint.effect}`
    const errors = [
      ...invalidAll(`${field}.key`, taint.key, qualifiedNameProblems(taint.key)),
      ...invalidAll(`${field}.value`, taint.value ?? '', labelValueProblems(taint.value ?? '')),
      ...oneOf(taint.effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule'], `${field}.effect`, 'required'),
      ...(seen.has(key) ? [fieldErrors.duplicate(field, taint)] : [])
    ]
    seen.add(key)
    return errors
  })
}

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  subresources: [statusSubresource],
  generation: false,
  applyDefaults: (node) => {
    node.spec ??= {}
    node.status ??= {}
    node.status.daemonEndpoints ??= { kubeletEndpoint: { Port: 0 } }
    node.status.nodeInfo ??= {
      architecture: '',
      bootID: '',
      containerRuntimeVersion: '',
      kernelVersion: '',
      kubeProxyVersion: '',
      kubeletVersion: '',
      machineID: '',
      operatingSystem: '',
      osImage: '',
      systemUUID: ''
    }
    canonicalise(node.status.capacity)
    if (node.status.capacity && !node.status.allocatable)
      node.status.allocatable = { ...node.status.capacity }
    canonicalise(node.status.allocatable)
  },
  validate: (node, old) => [
    ...validateTaints(node),
    ...(old?.spec.providerID && node.spec.providerID !== old.spec.providerID
      ? [
          fieldErrors.forbidden(
            'spec.providerID',
            'node updates may not change providerID except from "" to valid'
          )
        ]
      : []),
    ...(old?.spec.podCIDR && node.spec.podCIDR !== old.spec.podCIDR
      ? [
          fieldErrors.forbidden(
            'spec.podCIDRs',
            'node updates may not change podCIDR except from "" to valid'
          )
        ]
      : [])
  ],
  selectableFields: { 'spec.unschedulable': (node) => String(node.spec.unschedulable ?? false) },
  columns: [
    nameColumn,
    column('Status', statusOf),
    column('Roles', rolesOf),
    ageColumn,
    column('Version', (node) => node.status?.nodeInfo?.kubeletVersion ?? ''),
    wideColumn('Internal-IP', (node) => address(node, 'InternalIP')),
    wideColumn('External-IP', (node) => address(node, 'ExternalIP')),
    wideColumn('OS-Image', (node) => node.status?.nodeInfo?.osImage || '<unknown>'),
    wideColumn('Kernel-Version', (node) => node.status?.nodeInfo?.kernelVersion || '<unknown>'),
    wideColumn('Container-Runtime', (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>')
  ]
})
