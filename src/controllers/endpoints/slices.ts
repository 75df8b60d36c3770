import type { DiscoveryEndpointPort, Endpoint, EndpointSlice } from '../../api/types.js'
import { canonicalJson, semanticEqual } from '../support/equal.js'

/** Endpoints that serve the same ports. */
export interface EndpointGroup {
  ports: DiscoveryEndpointPort[]
  endpoints: Endpoint[]
}

export interface SlicePlan {
  create: EndpointGroup[]
  /** With their new endpoints and labels. */
  update: EndpointSlice[]
  remove: EndpointSlice[]
}

const maxEndpoints = 100

const portsId = (ports: readonly DiscoveryEndpointPort[] | undefined): string =>
  (ports ?? [])
    .map((port) => canonicalJson(port))
    .sort()
    .join()

const endpointId = (endpoint: Endpoint): string =>
  `${endpoint.targetRef?.uid ?? ''}/${endpoint.addresses.join()}`

/**
 * How existing slices become the groups with few writes: an endpoint stays in its slice, new ones fill up slices that
 * have room, and slices that end up empty go (upstream: staging/endpointslice/reconciler.go).
 *
 * @param labels what each slice should carry
 * @param placeholder keep one empty slice when there are no endpoints at all
 */
export function planSlices(options: {
  existing: readonly EndpointSlice[]
  groups: readonly EndpointGroup[]
  labels: Record<string, string>
  placeholder: boolean
}): SlicePlan {
  const { existing, groups, labels, placeholder } = options
  const plan: SlicePlan = { create: [], update: [], remove: [] }
  const byPorts = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    const id = portsId(slice.ports)
    byPorts.set(id, [...(byPorts.get(id) ?? []), slice])
  }
  const filled = groups.filter((group) => group.endpoints.length > 0)
  const wanted = filled.length === 0 && placeholder ? [{ ports: [], endpoints: [] }] : filled
  for (const group of wanted) {
    const id = portsId(group.ports)
    planGroup(group, byPorts.get(id) ?? [], labels, plan)
    byPorts.delete(id)
  }
  for (const slices of byPorts.values()) plan.remove.push(...slices)
  return plan
}

function planGroup(
  group: EndpointGroup,
  slices: readonly EndpointSlice[],
  labels: Record<string, string>,
  plan: SlicePlan
): void {
  const wanted = new Map(group.endpoints.map((endpoint) => [endpointId(endpoint), endpoint]))
  const contents = slices.map((slice) => {
    const kept: Endpoint[] = []
    for (const id of (slice.endpoints ?? []).map(endpointId)) {
      const endpoint = wanted.get(id)
      if (!endpoint) continue
      kept.push(endpoint)
      wanted.delete(id)
    }
    return { slice, endpoints: kept }
  })
  const left = [...wanted.values()]
  // The fullest first, so that fewer slices change.
  for (const content of [...contents].sort((a, b) => b.endpoints.length - a.endpoints.length)) {
    content.endpoints.push(...left.splice(0, maxEndpoints - content.endpoints.length))
  }
  const isPlaceholder = group.endpoints.length === 0
  for (const [i, { slice, endpoints }] of contents.entries()) {
    if (endpoints.length === 0 && !(isPlaceholder && i === 0)) plan.remove.push(slice)
    else if (!semanticEqual(endpoints, slice.endpoints) || !semanticEqual(labels, slice.metadata.labels)) {
      plan.update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints })
    }
  }
  if (isPlaceholder && slices.length === 0) plan.create.push(group)
  while (left.length > 0) plan.create.push({ ports: group.ports, endpoints: left.splice(0, maxEndpoints) })
}
