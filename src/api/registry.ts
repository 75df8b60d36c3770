import type { KubeObject } from '../base/object.js'
import type { Kind } from './kind.js'
import { configMaps } from './kinds/config-maps.js'
import { deployments } from './kinds/deployments.js'
import { endpointSlices } from './kinds/endpoint-slices.js'
import { endpoints } from './kinds/endpoints.js'
import { eventsV1 } from './kinds/events-v1.js'
import { events } from './kinds/events.js'
import { ingressClasses } from './kinds/ingress-classes.js'
import { ingresses } from './kinds/ingresses.js'
import { leases } from './kinds/leases.js'
import { namespaces } from './kinds/namespaces.js'
import { nodes } from './kinds/nodes.js'
import { pods } from './kinds/pods.js'
import { priorityClasses } from './kinds/priority-classes.js'
import { replicaSets } from './kinds/replica-sets.js'
import { secrets } from './kinds/secrets.js'
import { selfSubjectAccessReviews } from './kinds/self-subject-access-reviews.js'
import { selfSubjectReviews } from './kinds/self-subject-reviews.js'
import { serviceAccounts } from './kinds/service-accounts.js'
import { services } from './kinds/services.js'
import { tokenReviews } from './kinds/token-reviews.js'

/** A kind's functions take objects of that kind only; who goes by the registry hands each its own. */
const erased = <T extends KubeObject>(kind: Kind<T>): Kind => kind as unknown as Kind

/** Every kind that mk serves. A new one is a file in kinds/ and a line here. */
export const kinds: readonly Kind[] = [
  erased(namespaces),
  erased(nodes),
  erased(pods),
  erased(services),
  erased(endpoints),
  erased(configMaps),
  erased(secrets),
  erased(serviceAccounts),
  erased(events),
  erased(deployments),
  erased(replicaSets),
  erased(selfSubjectReviews),
  erased(tokenReviews),
  erased(selfSubjectAccessReviews),
  erased(leases),
  erased(endpointSlices),
  erased(eventsV1),
  erased(ingresses),
  erased(ingressClasses),
  erased(priorityClasses)
]

/** The kind with this group, version and kind name. */
export const findKind = (of: { group: string; version: string; kind: string }): Kind | undefined =>
  kinds.find((kind) => kind.group === of.group && kind.version === of.version && kind.kind === of.kind)

/** The kind that a path names: `apps`, `v1`, `deployments`. */
export const findResource = (of: { group: string; version: string; plural: string }): Kind | undefined =>
  kinds.find((kind) => kind.group === of.group && kind.version === of.version && kind.plural === of.plural)
