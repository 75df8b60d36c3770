import { endpointSlices as endpointSliceKind } from '../../api/kinds/endpoint-slices.js'
import { pods as podKind } from '../../api/kinds/pods.js'
import { services as serviceKind } from '../../api/kinds/services.js'
import type { DiscoveryEndpointPort, Pod, Service } from '../../api/types.js'
import { keyOf } from '../../base/object.js'
import type { ControllerFactory } from '../../reconcile/controller.js'
import { canonicalJson } from '../support/equal.js'
import { controllerReference } from '../support/owners.js'
import {
  addressOf,
  endpointOf,
  hasSelector,
  isHeadless,
  podsOf,
  targetPortOf,
  watchServicePods
} from './service-pods.js'
import { SliceWriter } from './slice-writer.js'
import type { EndpointGroup } from './slices.js'

/** Keeps the EndpointSlices of services with a selector (upstream: pkg/controller/endpointslice). */
export const endpointSliceController: ControllerFactory = ({ client, informers }) => {
  const services = informers.of(serviceKind)
  const pods = informers.of(podKind)
  const slices = informers.of(endpointSliceKind)
  const writer = new SliceWriter({ client, slices, manager: 'endpointslice-controller.k8s.io' })
  return {
    name: 'endpointslice',

    watch(queue) {
      return [
        services.onChange(({ object }) => {
          queue.add(keyOf(object))
        }),
        watchServicePods(pods, services, (service) => {
          queue.add(keyOf(service))
        }),
        slices.onChange(({ object }) => {
          const key = writer.serviceKeyOf(object)
          if (key !== undefined) queue.add(key)
        })
      ]
    },

    async reconcile(key) {
      // The informer will call again when it has caught up; the timer is for changes that fell between two lists.
      if (!writer.settled(key)) return { requeueAfterMs: 1000 }
      const service = services.get(key)
      if (!service) {
        await writer.remove(key, writer.existing(key))
        return undefined
      }
      if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return undefined
      await writer.write({
        service,
        owner: controllerReference(serviceKind, service),
        groups: groupsOf(service, podsOf(service, pods)),
        headless: isHeadless(service),
        placeholder: true
      })
      return undefined
    }
  }
}

/** The service's pods by the ports they serve: a named target port may be another number in each pod. */
export function groupsOf(service: Service, pods: readonly Pod[]): EndpointGroup[] {
  const groups = new Map<string, EndpointGroup>()
  for (const pod of pods) {
    const address = addressOf(pod)
    if (address === undefined) continue
    const ports = portsOf(service, pod)
    if (ports.length === 0 && !(isHeadless(service) && (service.spec.ports ?? []).length === 0)) continue
    const id = canonicalJson(ports)
    const group = groups.get(id) ?? { ports, endpoints: [] }
    group.endpoints.push(endpointOf(service, pod, address))
    groups.set(id, group)
  }
  return [...groups.values()]
}

function portsOf(service: Service, pod: Pod): DiscoveryEndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port)
    if (number === undefined) return []
    const { appProtocol } = port
    const common = { name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP' }
    return [appProtocol === undefined ? common : { ...common, appProtocol }]
  })
}
