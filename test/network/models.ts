import type { EndpointSlice, Service } from '../../src/api/types.js'
import { buildServiceModel } from '../../src/network/services/build-model.js'
import type { ServiceModel } from '../../src/network/services/service-model.js'

const meta = (name: string, namespace = 'default') => ({
  name,
  namespace,
  uid: `uid-${name}`,
  resourceVersion: '1'
})

export const service = (name: string, spec: Service['spec'], namespace?: string): Service => ({
  metadata: meta(name, namespace),
  spec
})

export const slice = (
  serviceName: string,
  endpoints: EndpointSlice['endpoints'],
  ports: EndpointSlice['ports'],
  namespace?: string
): EndpointSlice => ({
  metadata: { ...meta(`${serviceName}-1`, namespace), labels: { 'kubernetes.io/service-name': serviceName } },
  addressType: 'IPv4',
  endpoints,
  ports
})

/** A Service with one TCP port that these endpoints take. */
export function simpleModel(
  name: string,
  endpoints: { ip: string; port: number }[],
  more: Partial<ServiceModel> = {}
) {
  const model = buildServiceModel(service(name, { clusterIP: '10.96.0.7', ports: [{ port: 80 }] }), [])
  const ports = [{ name: '', protocol: 'TCP' as const, port: 80, nodePort: 0, endpoints }]
  return { ...model, ports, ...more }
}
