import type { SelfSubjectAccessReview } from '../../api/types.js'
import { statusErrors } from '../../base/status.js'
import type { Authorizer } from '../authz/authorizer.js'
import type { Review } from './review.js'

/** `kubectl auth can-i`. */
export function selfSubjectAccessReview(authorizer: Authorizer): Review {
  return {
    group: 'authorization.k8s.io',
    kind: 'SelfSubjectAccessReview',
    answer: (object, user) => {
      const review = object as unknown as SelfSubjectAccessReview
      const { resourceAttributes: resource, nonResourceAttributes: path } = review.spec
      if ((resource === undefined) === (path === undefined)) throw eitherOne(path !== undefined)
      const decision = authorizer.authorize(
        resource
          ? { user, ...resource, verb: resource.verb ?? '' }
          : { user, verb: path?.verb ?? '', path: path?.path ?? '' }
      )
      const { allowed, reason } = decision
      return { ...object, status: { allowed, ...(reason ? { reason } : {}) } } as typeof object
    }
  }
}

function eitherOne(both: boolean): Error {
  const why = both
    ? 'cannot be specified in combination with resourceAttributes'
    : 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
  return statusErrors.invalid({ group: 'authorization.k8s.io', kind: 'SelfSubjectAccessReview' }, '', [
    {
      type: 'FieldValueInvalid',
      field: both ? 'spec.nonResourceAttributes' : 'spec.resourceAttributes',
      message: `Invalid value: null: ${why}`
    }
  ])
}
