import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service, ServicePort } from '../../api/types.js'
import { parseIpv4 } from '../../base/ip.js'
import type { NamedEndpoint, PortModel, ServiceModel } from './service-model.js'

const defaultAffinitySeconds = 10_800

/**
 * What the data path needs of a Service and its slices. Follows kube-proxy: slices are merged, ports are joined by
 * name and protocol, duplicates are dropped, and when no endpoint is ready those that terminate but still serve take
 * the traffic (KEP-1669). All nodes of mk are one machine, so `internalTrafficPolicy: Local` changes nothing: every
 * endpoint is local.
 */
export function buildServiceModel(service: Service, slices: readonly EndpointSlice[]): ServiceModel {
  const { spec, metadata } = service
  const type = typeOf(service)
  const external = type === 'ExternalName'
  const headless = !external && spec.clusterIP === 'None'
  const usable = slices.filter((slice) => slice.addressType === 'IPv4')
  const clusterIP = external || headless || !spec.clusterIP ? undefined : spec.clusterIP
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    type,
    clusterIP,
    headless,
    externalName: external ? spec.externalName : undefined,
    externalIPs: clusterIP === undefined ? [] : externalAddresses(service),
    affinitySeconds: affinityOf(service),
    balanced: type === 'LoadBalancer' && !spec.loadBalancerClass,
    balancerIP: service.status?.loadBalancer?.ingress?.find(({ ip }) => ip?.startsWith('127.'))?.ip,
    ports: external ? externalPorts(service) : (spec.ports ?? []).flatMap((port) => portModel(port, usable)),
    named: namedEndpoints(service, usable)
  }
}

function typeOf({ spec: { type } }: Service): ServiceModel['type'] {
  return type === 'NodePort' || type === 'LoadBalancer' || type === 'ExternalName' ? type : 'ClusterIP'
}

function affinityOf({ spec }: Service): number | undefined {
  if (spec.sessionAffinity !== 'ClientIP') return undefined
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds
}

// A load balancer's own address is a loopback address of the host: in a pod that would be the pod itself.
function externalAddresses({ spec, status }: Service): string[] {
  const balancers = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]))
  const all = [...(spec.externalIPs ?? []), ...balancers]
  return [...new Set(all)].filter((ip) => parseIpv4(ip) !== undefined && !ip.startsWith('127.')).sort()
}

// SCTP has no data path in mk: the Service's own validation warns of it.
function protocolOf(protocol: string | undefined): PortModel['protocol'] | undefined {
  if (protocol === undefined || protocol === 'TCP') return 'TCP'
  return protocol === 'UDP' ? 'UDP' : undefined
}

function portModel(port: ServicePort, slices: readonly EndpointSlice[]): PortModel[] {
  const protocol = protocolOf(port.protocol)
  if (!protocol) return []
  const name = port.name ?? ''
  const endpoints = activeEndpoints(
    slices,
    (p) => (p.name ?? '') === name && protocolOf(p.protocol) === protocol
  )
  return [{ name, protocol, port: port.port, nodePort: port.nodePort ?? 0, endpoints }]
}

/** An ExternalName Service as the backend of an Ingress: its ports lead to the name itself. */
function externalPorts({ spec }: Service): PortModel[] {
  const ip = spec.externalName ?? ''
  return (spec.ports ?? []).flatMap((port) => {
    const target = typeof port.targetPort === 'number' && port.targetPort > 0 ? port.targetPort : port.port
    const protocol = protocolOf(port.protocol)
    if (!protocol) return []
    return [
      { name: port.name ?? '', protocol, port: port.port, nodePort: 0, endpoints: [{ ip, port: target }] }
    ]
  })
}

function activeEndpoints(slices: readonly EndpointSlice[], wanted: (port: DiscoveryEndpointPort) => boolean) {
  const all = slices.flatMap((slice) => {
    const ports = (slice.ports ?? []).filter(wanted).flatMap(({ port }) => (port === undefined ? [] : [port]))
    return (slice.endpoints ?? []).flatMap((endpoint) => ports.map((port) => ({ endpoint, port })))
  })
  const ready = all.filter(({ endpoint }) => isReady(endpoint))
  const chosen = ready.length > 0 ? ready : all.filter(({ endpoint }) => isServingWhileTerminating(endpoint))
  const unique = new Map<string, { ip: string; port: number }>()
  for (const { endpoint, port } of chosen) {
    const ip = addressOf(endpoint)
    if (ip !== undefined) unique.set(`${ip}:${String(port)}`, { ip, port })
  }
  // A stable order keeps changes small: each endpoint's place is part of its key in the service table.
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint)
}

// An unknown condition counts as ready (discovery/v1 EndpointConditions).
const isReady = ({ conditions }: Endpoint) => conditions?.ready !== false
const isServingWhileTerminating = ({ conditions }: Endpoint) =>
  conditions?.serving !== false && conditions?.terminating === true

function addressOf({ addresses }: Endpoint): string | undefined {
  const [ip] = addresses
  return ip !== undefined && parseIpv4(ip) !== undefined ? ip : undefined
}

function namedEndpoints({ spec }: Service, slices: readonly EndpointSlice[]): NamedEndpoint[] {
  const byAddress = new Map<string, NamedEndpoint>()
  for (const slice of slices) {
    const ports = (slice.ports ?? []).flatMap(({ name = '', port, protocol }) => {
      const known = protocolOf(protocol)
      return port === undefined || !known ? [] : [{ name, protocol: known, port }]
    })
    for (const endpoint of slice.endpoints ?? []) {
      const ip = addressOf(endpoint)
      if (ip === undefined || !(isReady(endpoint) || spec.publishNotReadyAddresses)) continue
      const hostname = endpoint.hostname ?? ip.replaceAll('.', '-')
      const known = byAddress.get(ip)
      if (known) known.ports.push(...ports)
      else byAddress.set(ip, { ip, hostname, ports: [...ports] })
    }
  }
  return [...byAddress.values()].sort((a, b) => (a.ip < b.ip ? -1 : 1))
}
