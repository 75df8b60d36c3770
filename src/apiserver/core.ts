import type { Kind } from '../api/kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Store } from '../store/store.js'
import type { Admission } from './admission/admission.js'
import type { Reviews } from './reviews/review.js'
import type { Schemas } from './schemas.js'
import type { SubresourceHandlers } from './subresources/handler.js'
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

export const qualifiedName = (resource: { group: string; plural: string }): string =>
  resource.group ? `${resource.plural}.${resource.group}` : resource.plural

export const hasStatus = (kind: Kind): boolean => kind.subresources.some((sub) => sub.name === 'status')

/** Kinds whose `spec.finalizers` hold the object like metadata.finalizers do: namespaces. */
export const hasFinalize = (kind: Kind): boolean => kind.subresources.some((sub) => sub.name === 'finalize')
