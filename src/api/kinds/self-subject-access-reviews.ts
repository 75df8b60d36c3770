import { ageColumn, nameColumn } from '../columns.js'
import type { SelfSubjectAccessReview } from '../types.js'
import { fieldErrors } from '../validation/field-errors.js'
import { defineKind } from './define-kind.js'

/** May I: `kubectl auth can-i`. */
export const selfSubjectAccessReviews = defineKind<SelfSubjectAccessReview>({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
  verbs: ['create'],
  virtual: true,
  generation: false,
  applyDefaults: (review) => {
    review.spec ??= {}
    review.status ??= { allowed: false }
  },
  validate: ({ spec }) => {
    const { resourceAttributes, nonResourceAttributes } = spec
    if (resourceAttributes && nonResourceAttributes) {
      return [
        fieldErrors.invalid(
          'spec.nonResourceAttributes',
          nonResourceAttributes,
          'cannot be specified in combination with resourceAttributes'
        )
      ]
    }
    return resourceAttributes || nonResourceAttributes
      ? []
      : [
          fieldErrors.invalid(
            'spec.resourceAttributes',
            null,
            'exactly one of nonResourceAttributes or resourceAttributes must be specified'
          )
        ]
  },
  columns: [nameColumn, ageColumn]
})
