import type { Service } from '../types.js'

const hasClusterIp = (type: string | undefined) => type !== 'ExternalName'
const hasNodePorts = (type: string | undefined) => type === 'NodePort' || type === 'LoadBalancer'

/** core/v1 SetDefaults_Service, and the address family of a cluster that has one (IPv4). */
export function applyServiceDefaults(service: Service): void {
  service.spec ??= {}
  const { spec } = service
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (
    spec.sessionAffinity === 'ClientIP' &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  ) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } }
  }
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port
  }
  const external =
    hasNodePorts(spec.type) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
  if (external) spec.externalTrafficPolicy ||= 'Cluster'
  if (hasClusterIp(spec.type)) {
    spec.internalTrafficPolicy ??= 'Cluster'
    spec.ipFamilyPolicy ??= 'SingleStack'
    if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = ['IPv4']
  }
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
  // The singular and the plural spelling name the same addresses.
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP]
  else if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0]
  service.status ??= {}
  service.status.loadBalancer ??= {}
  for (const ingress of service.status.loadBalancer.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}

/**
 * What an update keeps of the allocated values when it does not name them, and drops when the new type has no use for
 * them (registry/core/service patchAllocatedValues, dropTypeDependentFields). In place.
 */
export function carryOverService(service: Service, old: Service): void {
  const { spec } = service
  if (hasClusterIp(old.spec.type) && hasClusterIp(spec.type)) {
    if (!spec.clusterIP && (spec.clusterIPs ?? []).length === 0) {
      if (old.spec.clusterIP) spec.clusterIP = old.spec.clusterIP
      if (old.spec.clusterIPs) spec.clusterIPs = old.spec.clusterIPs
    } else if (
      spec.clusterIP &&
      spec.clusterIP !== old.spec.clusterIP &&
      spec.clusterIPs?.[0] === old.spec.clusterIP
    ) {
      // A client that knows only the singular changed it.
      spec.clusterIPs = [spec.clusterIP]
    }
  }
  if (hasNodePorts(old.spec.type) && hasNodePorts(spec.type)) keepNodePorts(service, old)
  if (needsHealthCheckPort(old) && needsHealthCheckPort(service) && !spec.healthCheckNodePort) {
    if (old.spec.healthCheckNodePort) spec.healthCheckNodePort = old.spec.healthCheckNodePort
  }
  dropUnused(service, old)
}

const needsHealthCheckPort = ({ spec }: Service) =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

/** A port keeps its number by protocol and port, whatever its name. */
function keepNodePorts(service: Service, old: Service): void {
  const keyOf = (port: { protocol?: string | undefined; port: number }) =>
    `${port.protocol ?? 'TCP'}/${String(port.port)}`
  const before = new Map((old.spec.ports ?? []).map((port) => [keyOf(port), port.nodePort]))
  const taken = new Set((service.spec.ports ?? []).map((port) => port.nodePort))
  for (const port of service.spec.ports ?? []) {
    const number = before.get(keyOf(port))
    if (!port.nodePort && number && !taken.has(number)) port.nodePort = number
  }
}

function dropUnused(service: Service, old: Service): void {
  const { spec } = service
  if (hasClusterIp(old.spec.type) && !hasClusterIp(spec.type)) {
    if (spec.clusterIP === old.spec.clusterIP) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    delete spec.ipFamilies
    delete spec.ipFamilyPolicy
    delete spec.internalTrafficPolicy
  }
  if (hasNodePorts(old.spec.type) && !hasNodePorts(spec.type)) {
    const before = (old.spec.ports ?? []).map((port) => port.nodePort)
    for (const port of spec.ports ?? []) if (before.includes(port.nodePort)) delete port.nodePort
    if (
      spec.externalTrafficPolicy === old.spec.externalTrafficPolicy &&
      (spec.externalIPs ?? []).length === 0
    )
      delete spec.externalTrafficPolicy
  }
  if (!needsHealthCheckPort(service) && spec.healthCheckNodePort === old.spec.healthCheckNodePort)
    delete spec.healthCheckNodePort
  if (old.spec.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    delete spec.allocateLoadBalancerNodePorts
    delete spec.loadBalancerClass
  }
}
