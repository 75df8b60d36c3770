import { endpoints as endpointsKind } from '../../api/kinds/endpoints.js'
import { pods as podKind } from '../../api/kinds/pods.js'
import { services as serviceKind } from '../../api/kinds/services.js'
import type {
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSubset,
  Pod,
  Service
} from '../../api/types.js'
import { keyOf } from '../../base/object.js'
import { isReason } from '../../base/status.js'
import type { ControllerFactory } from '../../reconcile/controller.js'
import { isNamespaceTerminating } from '../support/create-pods.js'
import { canonicalJson, semanticEqual } from '../support/equal.js'
import { isReady, isTerminating } from '../support/pods.js'
import {
  addressOf,
  hasSelector,
  hostnameIn,
  isHeadless,
  podsOf,
  targetPortOf,
  watchServicePods
} from './service-pods.js'
import { headlessLabel } from './slice-writer.js'

const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'
const maxAddresses = 1000

/** Keeps the Endpoints of services with a selector, for clients older than slices (upstream: pkg/controller/endpoint). */
export const endpointsController: ControllerFactory = ({ client, informers }) => {
  const services = informers.of(serviceKind)
  const pods = informers.of(podKind)
  const endpoints = informers.of(endpointsKind)

  async function removeLeftOver(key: string): Promise<void> {
    const left = endpoints.get(key)
    // Only what this controller made: those of services without a selector belong to whoever wrote them.
    if (!left || left.metadata.labels?.[managedByLabel] === undefined) return
    try {
      await client.of(endpointsKind).delete(left.metadata, { preconditions: { uid: left.metadata.uid } })
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error
    }
  }

  return {
    name: 'endpoints',

    watch(queue) {
      return [
        services.onChange(({ object }) => {
          queue.add(keyOf(object))
        }),
        watchServicePods(pods, services, (service) => {
          queue.add(keyOf(service))
        }),
        endpoints.onChange(({ object }) => {
          queue.add(keyOf(object))
        })
      ]
    },

    async reconcile(key) {
      const service = services.get(key)
      if (!service) {
        await removeLeftOver(key)
        return undefined
      }
      if (!hasSelector(service) || service.metadata.deletionTimestamp !== undefined) return undefined
      const wanted = contentOf(service, podsOf(service, pods))
      const existing = endpoints.get(key)
      if (!existing) {
        const { name, namespace } = service.metadata
        const { labels, annotations, subsets } = wanted
        try {
          await client
            .of(endpointsKind)
            .create({ metadata: { name, namespace, labels, annotations }, subsets })
        } catch (error) {
          if (!isNamespaceTerminating(error)) throw error
        }
        return undefined
      }
      const updated = merged(existing, wanted)
      if (!semanticEqual(existing, updated)) await client.of(endpointsKind).update(updated)
      return undefined
    }
  }
}

interface Content {
  labels: Record<string, string>
  annotations: Record<string, string>
  subsets: EndpointSubset[]
}

function merged(existing: Endpoints, { labels, annotations, subsets }: Content): Endpoints {
  const kept = Object.entries(existing.metadata.annotations ?? {}).filter(([name]) => name !== overCapacity)
  const metadata = {
    ...existing.metadata,
    labels,
    annotations: { ...Object.fromEntries(kept), ...annotations }
  }
  return { ...existing, metadata, subsets }
}

/** Labels and subsets as they should be: pods of the same ports together, addresses and ports sorted. */
export function contentOf(service: Service, pods: readonly Pod[]): Content {
  const headless = isHeadless(service)
  const subsets = new Map<string, Required<EndpointSubset>>()
  let count = 0
  let truncated = false
  for (const pod of pods) {
    const publish = service.spec.publishNotReadyAddresses === true
    if (isTerminating(pod) && !publish) continue
    const ports = portsOf(service, pod)
    if (ports.length === 0 && !(headless && (service.spec.ports ?? []).length === 0)) continue
    if (++count > maxAddresses) {
      truncated = true
      break
    }
    const id = canonicalJson(ports)
    const subset = subsets.get(id) ?? { addresses: [], notReadyAddresses: [], ports }
    subsets.set(id, subset)
    const list = publish || isReady(pod) ? subset.addresses : subset.notReadyAddresses
    list?.push(endpointAddress(service, pod))
  }
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {}
  return {
    labels: {
      ...labels,
      [managedByLabel]: 'endpoint-controller',
      ...(headless ? { [headlessLabel]: '' } : {})
    },
    annotations: truncated ? { [overCapacity]: 'truncated' } : {},
    subsets: [...subsets.values()].map(sorted)
  }
}

function sorted({ addresses, notReadyAddresses, ports }: EndpointSubset): EndpointSubset {
  const byIp = (a: EndpointAddress, b: EndpointAddress) => (a.ip < b.ip ? -1 : 1)
  return {
    ...(addresses?.length ? { addresses: addresses.sort(byIp) } : {}),
    ...(notReadyAddresses?.length ? { notReadyAddresses: notReadyAddresses.sort(byIp) } : {}),
    ...(ports?.length ? { ports } : {})
  }
}

function endpointAddress(service: Service, pod: Pod): EndpointAddress {
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameIn(service, pod)
  return {
    ip: addressOf(pod) ?? '',
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid }
  }
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? [])
    .flatMap((port) => {
      const number = targetPortOf(pod, port)
      if (number === undefined) return []
      const { name, appProtocol } = port
      return [
        {
          ...(name ? { name } : {}),
          port: number,
          protocol: port.protocol ?? 'TCP',
          ...(appProtocol === undefined ? {} : { appProtocol })
        }
      ]
    })
    .sort((a, b) => a.port - b.port)
}
