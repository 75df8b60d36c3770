import type { EndpointSlice, Service } from '../../api/types.js'
import type { ObjectList } from '../../base/object.js'
import type { Describer } from './describer.js'
import { mapLines } from './writer.js'

export const describeService: Describer<Service> = async (service, writer, { session }) => {
  const { spec, status } = service
  const slices = await slicesOf(session, service)
  writer
    .field('Selector', mapLines(spec?.selector).join(','))
    .field('Type', spec?.type)
    .field('IP', spec?.clusterIP)
  if (spec?.externalName) writer.field('External Name', spec.externalName)
  const ingress = (status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip ?? entry.hostname ?? '')
  if (ingress.length > 0) writer.field('LoadBalancer Ingress', ingress.join(', '))
  for (const port of spec?.ports ?? []) {
    const name = port.name || '<unset>'
    const protocol = port.protocol ?? 'TCP'
    writer
      .field('Port', `${name}  ${port.port}/${protocol}`)
      .field('TargetPort', `${String(port.targetPort ?? port.port)}/${protocol}`)
    if (port.nodePort) writer.field('NodePort', `${name}  ${port.nodePort}/${protocol}`)
    writer.field('Endpoints', addressesOf(slices, port.name ?? '').join(','))
  }
  writer.field('Session Affinity', spec?.sessionAffinity ?? 'None')
}

async function slicesOf(
  session: Parameters<Describer>[2]['session'],
  service: Service
): Promise<readonly EndpointSlice[]> {
  const { name, namespace = 'default' } = service.metadata
  const { body } = await session.client.json<ObjectList<EndpointSlice>>({
    path: `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`,
    query: { labelSelector: `kubernetes.io/service-name=${name}` }
  })
  return body.items
}

/** `address:port` of the ready endpoints of a port; nothing prints as `<none>`. */
function addressesOf(slices: readonly EndpointSlice[], portName: string): string[] {
  const found = slices.flatMap((slice) => {
    const port = (slice.ports ?? []).find((p) => (p.name ?? '') === portName)?.port
    if (port === undefined) return []
    const ready = (slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false)
    return ready.flatMap((endpoint) => endpoint.addresses.map((address) => `${address}:${port}`))
  })
  return found.length > 0 ? found : ['<none>']
}
