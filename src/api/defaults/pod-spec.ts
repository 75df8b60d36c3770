import { canonicalQuantity, isQuantity } from '../../base/quantity.js'
import type {
  Container,
  EnvVar,
  Lifecycle,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Volume,
  HTTPGetAction
} from '../types.js'

/** All of a pod's containers that can be written in a manifest; init containers first, as they start. */
export const allContainers = (spec: PodSpec): Container[] => [
  ...(spec.initContainers ?? []),
  ...(spec.containers ?? [])
]

/** Defaults that pods and pod templates share (core/v1 SetDefaults_PodSpec and what it refers to). In place. */
export function applyPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  // The old name of the field is written beside the new one (conversion of PodSpec).
  spec.serviceAccountName ||= spec.serviceAccount
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName
  else delete spec.serviceAccountName
  for (const container of allContainers(spec)) applyContainerDefaults(container)
  for (const volume of spec.volumes ?? []) applyVolumeDefaults(volume)
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    if (constraint.labelSelector && Object.keys(constraint.labelSelector).length === 0)
      constraint.labelSelector = {}
  }
  if (spec.overhead) canonicalise(spec.overhead)
  if (spec.hostNetwork) for (const container of allContainers(spec)) applyHostNetworkPorts(container)
}

/** A template's defaults; `metadata` and `spec` are always written. */
export function applyPodTemplateDefaults(template: PodTemplateSpec): void {
  template.metadata ??= {}
  template.spec ??= { containers: [] }
  applyPodSpecDefaults(template.spec)
}

function applyContainerDefaults(container: Container): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  canonicalise(container.resources.limits)
  canonicalise(container.resources.requests)
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  for (const variable of container.env ?? []) applyEnvDefaults(variable)
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) applyProbeDefaults(probe)
  }
  if (container.lifecycle) applyLifecycleDefaults(container.lifecycle)
}

/** `Always` for `:latest` and for no tag at all, else `IfNotPresent` (SetDefaults_Container). */
export function defaultPullPolicy(image: string): string {
  if (image.includes('@')) return /:latest@/.test(image) ? 'Always' : 'IfNotPresent'
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last !== '' && (!last.includes(':') || last.endsWith(':latest')) ? 'Always' : 'IfNotPresent'
}

function applyEnvDefaults(variable: EnvVar): void {
  const { fieldRef, resourceFieldRef } = variable.valueFrom ?? {}
  if (fieldRef) fieldRef.apiVersion ||= 'v1'
  if (resourceFieldRef) resourceFieldRef.divisor = canonicalOrSame(resourceFieldRef.divisor ?? '0')
}

function applyProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  if (probe.httpGet) applyHttpGetDefaults(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function applyLifecycleDefaults(lifecycle: Lifecycle): void {
  for (const handler of [lifecycle.postStart, lifecycle.preStop]) {
    if (handler?.httpGet) applyHttpGetDefaults(handler.httpGet)
  }
}

function applyHttpGetDefaults(action: HTTPGetAction): void {
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

const volumeMode = 0o644

function applyVolumeDefaults(volume: Volume): void {
  // A volume that names no source is an emptyDir.
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {}
  if (volume.emptyDir?.sizeLimit !== undefined)
    volume.emptyDir.sizeLimit = canonicalOrSame(volume.emptyDir.sizeLimit)
  if (volume.secret) volume.secret.defaultMode ??= volumeMode
  if (volume.configMap) volume.configMap.defaultMode ??= volumeMode
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= volumeMode
    for (const item of volume.downwardAPI.items ?? []) applyEnvDefaults({ name: '', valueFrom: item })
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= volumeMode
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
      for (const item of source.downwardAPI?.items ?? []) applyEnvDefaults({ name: '', valueFrom: item })
    }
  }
}

/** On the host's network every container port is a host port (defaultHostNetworkPorts). */
function applyHostNetworkPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
}

/** Rewrites quantities in their canonical form, in place: `1000m` → `1`. Malformed ones stay for validation to refuse. */
export function canonicalise(quantities: Record<string, string> | undefined): void {
  for (const [name, value] of Object.entries(quantities ?? {})) {
    if (quantities) quantities[name] = canonicalOrSame(value)
  }
}

/** YAML turns `cpu: 1` into a number; upstream takes it as a quantity. */
export const canonicalOrSame = (value: string | number): string =>
  isQuantity(String(value)) ? canonicalQuantity(value) : (value as string)

/** Requests that are not given equal the limits (SetDefaults_Pod: only in pods, not in templates). */
export function applyRequestsFromLimits(spec: PodSpec): void {
  for (const { resources } of allContainers(spec)) {
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests }
  }
}
