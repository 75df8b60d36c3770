import type { Endpoint, Pod, Service, ServicePort } from '../../api/types.js'
import { selectorFromMap } from '../../base/selectors.js'
import type { Informer } from '../../client/informer.js'
import { semanticEqual } from '../support/equal.js'
import { isFinished, isReady, isTerminating } from '../support/pods.js'

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None'

/** Its endpoints come from pods; else whoever made the service writes them. */
export const hasSelector = ({ spec }: Service): boolean =>
  spec.selector !== undefined && Object.keys(spec.selector).length > 0 && spec.type !== 'ExternalName'

export function podsOf(service: Service, pods: Informer<Pod>): Pod[] {
  const selector = selectorFromMap(service.spec.selector)
  return pods
    .list(service.metadata.namespace)
    .filter(
      (pod) => selector.matches(pod.metadata.labels) && addressOf(pod) !== undefined && !isFinished(pod)
    )
}

export const addressOf = (pod: Pod): string | undefined => pod.status?.podIP || pod.status?.podIPs?.[0]?.ip

/** The port number of the pod that a service port leads to; undefined when the pod has no port of that name. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target === 0 ? port.port : target
  // Sidecars are init containers that keep running, so their ports count.
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const found = [...pod.spec.containers, ...sidecars]
    .flatMap((container) => container.ports ?? [])
    .find(({ name, protocol }) => name === target && (protocol ?? 'TCP') === (port.protocol ?? 'TCP'))
  return found?.containerPort
}

/** A terminating pod is not ready at once, but serves on while its readiness holds. */
export function endpointOf(service: Service, pod: Pod, address: string): Endpoint {
  const serving = isReady(pod)
  const terminating = isTerminating(pod)
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameIn(service, pod)
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid }
  }
}

/** The pod's own DNS name below the service, if it asks for one. */
export function hostnameIn(service: Service, pod: Pod): string | undefined {
  return pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined
}

/** Calls `enqueue` for each service that a pod's change concerns. */
export function watchServicePods(
  pods: Informer<Pod>,
  services: Informer<Service>,
  enqueue: (service: Service) => void
): () => void {
  return pods.onChange(({ type, object, previous }) => {
    if (type === 'updated' && previous && !isRelevant(previous, object)) return
    if (addressOf(object) === undefined && (previous === undefined || addressOf(previous) === undefined))
      return
    for (const service of services.list(object.metadata.namespace)) {
      if (!hasSelector(service)) continue
      const selector = selectorFromMap(service.spec.selector)
      const matched = previous !== undefined && selector.matches(previous.metadata.labels)
      if (matched || selector.matches(object.metadata.labels)) enqueue(service)
    }
  })
}

function isRelevant(before: Pod, after: Pod): boolean {
  const facts = (pod: Pod) => [
    addressOf(pod),
    isReady(pod),
    isTerminating(pod),
    isFinished(pod),
    pod.spec.nodeName,
    pod.metadata.labels
  ]
  return !semanticEqual(facts(before), facts(after))
}
