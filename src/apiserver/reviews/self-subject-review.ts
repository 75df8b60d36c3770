import { userInfoOf } from '../user.js'
import type { Review } from './review.js'

/** `kubectl auth whoami`. */
export const selfSubjectReview: Review = {
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  answer: (object, user) => ({ ...object, status: { userInfo: userInfoOf(user) } }) as typeof object
}
