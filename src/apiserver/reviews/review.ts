import type { Kind } from '../../api/kind.js'
import type { KubeObject } from '../../base/object.js'
import type { User } from '../user.js'

/** Answers one kind of review: the object with its status filled in. Nothing is stored. */
export interface Review {
  readonly group: string
  readonly kind: string
  answer(object: KubeObject, user: User): KubeObject | Promise<KubeObject>
}

export type Reviews = readonly Review[]

export const reviewOf = (reviews: Reviews, kind: Kind): Review | undefined =>
  reviews.find((review) => review.group === kind.group && review.kind === kind.kind)
