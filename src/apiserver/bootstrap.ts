import type { KubeObject, New } from '../base/object.js'
import { formatIpv4, parseCidr } from '../base/ip.js'

export interface BootstrapOptions {
  serviceCidr: string
  /** Where pods reach the API server. */
  address: string
  port: number
}

/** What every cluster has from its first moment on; made at start where missing. */
export function bootstrapObjects(options: BootstrapOptions): New<KubeObject>[] {
  const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name }
  }))
  return [...namespaces, ...priorityClasses(), ...apiService(options)]
}

function priorityClasses(): New<KubeObject>[] {
  const make = (name: string, value: number, description: string) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    description
  })
  return [
    make(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'
    ),
    make(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.'
    )
  ]
}

/** The Service `kubernetes`, which the API server itself stands behind. */
function apiService({ serviceCidr, address, port }: BootstrapOptions): New<KubeObject>[] {
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  const metadata = { name: 'kubernetes', namespace: 'default' }
  const ports = [{ name: 'https', port, protocol: 'TCP' }]
  const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: firstAddress(serviceCidr),
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }]
    }
  }
  const endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, labels: skipMirror },
    subsets: [{ addresses: [{ ip: address }], ports }]
  }
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports
  }
  return [service, endpoints, slice]
}

/** The first address of the service range is the API server's. */
export function firstAddress(serviceCidr: string): string {
  const cidr = parseCidr(serviceCidr)
  return cidr ? formatIpv4(cidr.base + 1) : ''
}
