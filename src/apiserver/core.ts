import type { Kind } from '../api/kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { PatchOptions, PatchType, ResourceRequest, WriteOptions } from '../client/transport.js'
import type { Store } from '../store/store.js'
import type { Admission } from './admission/admission.js'
import type { Entity } from './entity.js'
import type { Reviews } from './reviews/review.js'
import type { Schemas } from './schemas.js'
import type { User } from './user.js'

/** What every verb works with. One per cluster; holds no state of its own. */
export interface Core {
  readonly store: Store
  readonly kinds: readonly Kind[]
  readonly schemas: Schemas
  readonly admission: Admission
  readonly subresources: SubresourceHandlers
  readonly reviews: Reviews
  readonly clock: Clock
  readonly logger: Logger
}

/** What a verb knows of the request besides its target and options. */
export interface Scope {
  readonly user: User
  /** Field manager when the request names none: the User-Agent up to the slash. */
  readonly manager: string
  /** A text for a Warning header. */
  readonly warn: (text: string) => void
  /** Members that the body gave twice, as paths. */
  readonly duplicates?: readonly string[]
}

/** Serves one subresource that is not a part of its object's own body (status is, and needs no handler). */
export interface SubresourceHandler {
  get?(core: Core, target: ResourceRequest): Entity
  create?(
    core: Core,
    scope: Scope,
    target: ResourceRequest,
    body: unknown,
    options: WriteOptions
  ): Promise<Entity>
  update?(
    core: Core,
    scope: Scope,
    target: ResourceRequest,
    body: unknown,
    options: WriteOptions
  ): Promise<Entity>
  patch?(
    core: Core,
    scope: Scope,
    target: ResourceRequest,
    patch: { type: PatchType; body: unknown },
    options: PatchOptions
  ): Promise<Entity>
}

/** By name: `scale`, `binding`, `token`, `finalize`. */
export type SubresourceHandlers = ReadonlyMap<string, SubresourceHandler>

export const hasStatus = (kind: Kind): boolean => kind.subresources.some((sub) => sub.name === 'status')

/** Kinds whose `spec.finalizers` hold the object like metadata.finalizers do: namespaces. */
export const hasFinalize = (kind: Kind): boolean => kind.subresources.some((sub) => sub.name === 'finalize')
