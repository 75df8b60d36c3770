import { ageColumn, column, nameColumn, wideColumn } from '../columns.js'
import { applyPodSpecDefaults, applyRequestsFromLimits } from '../defaults/pod-spec.js'
import { podSummary } from '../pod-summary.js'
import { qosClassOf } from '../qos-class.js'
import type { Pod } from '../types.js'
import { fieldErrors } from '../validation/field-errors.js'
import { validatePodSpec } from '../validation/pod-spec.js'
import { validatePodUpdate } from '../validation/pod-update.js'
import { podWarnings } from '../warnings/pod-warnings.js'
import { defineKind, statusSubresource } from './define-kind.js'

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const met = gates.filter((gate) =>
    pod.status?.conditions?.some((c) => c.type === gate.conditionType && c.status === 'True')
  )
  return `${String(met.length)}/${String(gates.length)}`
}

/** Seconds a pod gets to stop; none if it does not run (podStrategy.CheckGracefulDelete). */
function gracePeriodSeconds(pod: Pod, requested: number | undefined): number {
  const ended = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
  if (!pod.spec.nodeName || ended) return 0
  const seconds = requested ?? pod.spec.terminationGracePeriodSeconds ?? 0
  return seconds < 0 ? 1 : seconds
}

export const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  subresources: [
    { name: 'attach', verbs: ['create', 'get'] },
    { name: 'binding', verbs: ['create'], bodyKind: { group: '', version: 'v1', kind: 'Binding' } },
    { name: 'exec', verbs: ['create', 'get'] },
    { name: 'log', verbs: ['get'] },
    { name: 'portforward', verbs: ['create', 'get'] },
    statusSubresource
  ],
  applyDefaults: (pod) => {
    pod.spec ??= { containers: [] }
    applyPodSpecDefaults(pod.spec)
    applyRequestsFromLimits(pod.spec)
    pod.spec.enableServiceLinks ??= true
    pod.status ??= {}
  },
  prepareForCreate: (pod) => {
    pod.status = { phase: 'Pending', qosClass: qosClassSafely(pod) }
    if ((pod.spec.schedulingGates ?? []).length > 0) {
      pod.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates'
        }
      ]
    }
  },
  validate: (pod, old) => [
    ...(old ? validatePodUpdate(pod, old) : validatePodSpec(pod.spec, 'spec')),
    ...(!old && (pod.spec.ephemeralContainers ?? []).length > 0
      ? [fieldErrors.forbidden('spec.ephemeralContainers', 'cannot be set on create')]
      : []),
    ...(!old && pod.spec.nodeName && (pod.spec.schedulingGates ?? []).length > 0
      ? [fieldErrors.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')]
      : [])
  ],
  warnings: (pod, old) => (old ? [] : podWarnings(pod.spec, 'spec')),
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    'spec.host': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.podIPs': (pod) => (pod.status?.podIPs ?? []).map((address) => address.ip).join(','),
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? ''
  },
  columns: [
    nameColumn,
    column('Ready', (pod, now) => podSummary(pod, now).ready),
    column('Status', (pod, now) => podSummary(pod, now).status),
    column('Restarts', (pod, now) => podSummary(pod, now).restarts),
    ageColumn,
    wideColumn('IP', (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '<none>'),
    wideColumn('Node', (pod) => pod.spec.nodeName || '<none>'),
    wideColumn('Nominated Node', (pod) => pod.status?.nominatedNodeName || '<none>'),
    wideColumn('Readiness Gates', readinessGates)
  ],
  gracePeriodSeconds
})

/** Malformed quantities are for validation to report. */
function qosClassSafely(pod: Pod): string {
  try {
    return qosClassOf(pod.spec)
  } catch {
    return 'BestEffort'
  }
}
