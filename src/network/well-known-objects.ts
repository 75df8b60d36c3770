import { endpointSlices } from '../api/kinds/endpoint-slices.js'
import { ingressClasses } from '../api/kinds/ingress-classes.js'
import { services } from '../api/kinds/services.js'
import type { EndpointSlice, IngressClass, Service } from '../api/types.js'
import type { New } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Client } from '../client/client.js'
import { ingressController } from './ingress/build-ingress-model.js'

const dnsLabels = {
  'k8s-app': 'kube-dns',
  'kubernetes.io/cluster-service': 'true',
  'kubernetes.io/name': 'CoreDNS'
}

/**
 * The objects by which users and tools find mk's own services: the IngressClass `mk`, which is the default, and
 * Service kube-system/kube-dns with the address that DNS has on the pods' bridge. What is there is left as it is,
 * but for that address.
 */
export async function ensureWellKnownObjects(
  client: Client,
  dns: { serviceIp: string; address: string; port: number }
): Promise<void> {
  const metadata = { name: 'kube-dns', namespace: 'kube-system', labels: dnsLabels }
  const ports = [
    { name: 'dns', protocol: 'UDP' },
    { name: 'dns-tcp', protocol: 'TCP' }
  ]
  const service: New<Service> = {
    metadata: { ...metadata },
    spec: { clusterIP: dns.serviceIp, ports: ports.map((port) => ({ ...port, port: 53, targetPort: 53 })) }
  }
  const ingressClass: New<IngressClass> = {
    metadata: { name: 'mk', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: ingressController }
  }
  await Promise.all([
    createUnlessThere(() => client.of(services).create(service)),
    createUnlessThere(() => client.of(ingressClasses).create(ingressClass)),
    ensureSlice(client, {
      metadata: {
        name: 'kube-dns-mk',
        namespace: 'kube-system',
        labels: {
          'kubernetes.io/service-name': 'kube-dns',
          'endpointslice.kubernetes.io/managed-by': 'dns.mk.dev'
        }
      },
      addressType: 'IPv4',
      endpoints: [
        { addresses: [dns.address], conditions: { ready: true, serving: true, terminating: false } }
      ],
      ports: ports.map((port) => ({ ...port, port: dns.port }))
    })
  ])
}

async function createUnlessThere(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create()
    return true
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return false
    throw error
  }
}

async function ensureSlice(client: Client, slice: New<EndpointSlice>): Promise<void> {
  const slices = client.of(endpointSlices)
  if (await createUnlessThere(() => slices.create(slice))) return
  const key = { namespace: 'kube-system', name: 'kube-dns-mk' }
  await slices.patch(key, 'merge', { endpoints: slice.endpoints, ports: slice.ports })
}
