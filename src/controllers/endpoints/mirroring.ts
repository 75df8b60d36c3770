import { endpointSlices as endpointSliceKind } from '../../api/kinds/endpoint-slices.js'
import { endpoints as endpointsKind } from '../../api/kinds/endpoints.js'
import { services as serviceKind } from '../../api/kinds/services.js'
import type { Endpoint, EndpointAddress, Endpoints } from '../../api/types.js'
import { keyOf } from '../../base/object.js'
import type { ControllerFactory } from '../../reconcile/controller.js'
import { controllerReference } from '../support/owners.js'
import { isHeadless } from './service-pods.js'
import { SliceWriter } from './slice-writer.js'
import type { EndpointGroup } from './slices.js'

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'

/**
 * Copies Endpoints that somebody wrote for a service without a selector into EndpointSlices, which is what the data
 * path reads (upstream: pkg/controller/endpointslicemirroring).
 */
export const endpointSliceMirroringController: ControllerFactory = ({ client, informers }) => {
  const services = informers.of(serviceKind)
  const endpoints = informers.of(endpointsKind)
  const slices = informers.of(endpointSliceKind)
  const writer = new SliceWriter({ client, slices, manager: 'endpointslicemirroring-controller.k8s.io' })
  return {
    name: 'endpointslicemirroring',

    watch(queue) {
      const enqueue = ({
        object
      }: {
        object: { metadata: { name: string; namespace?: string | undefined } }
      }) => {
        queue.add(keyOf(object))
      }
      return [
        services.onChange(enqueue),
        endpoints.onChange(enqueue),
        slices.onChange(({ object }) => {
          const key = writer.serviceKeyOf(object)
          if (key !== undefined) queue.add(key)
        })
      ]
    },

    async reconcile(key) {
      if (!writer.settled(key)) return { requeueAfterMs: 1000 }
      const source = endpoints.get(key)
      const service = services.get(key)
      const wanted = source && service && service.spec.selector === undefined && isMirrored(source)
      if (!wanted) {
        await writer.remove(key, writer.existing(key))
        return undefined
      }
      await writer.write({
        service: source,
        owner: controllerReference(endpointsKind, source),
        groups: groupsOf(source),
        headless: isHeadless(service),
        placeholder: false
      })
      return undefined
    }
  }
}

const isMirrored = ({ metadata }: Endpoints): boolean =>
  metadata.labels?.[skipLabel] !== 'true' &&
  metadata.annotations?.[leaderAnnotation] === undefined &&
  metadata.deletionTimestamp === undefined

/** Of each subset at most 1000 addresses, as upstream's --mirroring-max-endpoints-per-subset. */
function groupsOf({ subsets }: Endpoints): EndpointGroup[] {
  return (subsets ?? []).map(({ addresses = [], notReadyAddresses = [], ports = [] }) => ({
    ports: ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol })
    })),
    endpoints: [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false))
    ].slice(0, 1000)
  }))
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {})
  }
}
