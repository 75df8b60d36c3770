import { ageColumn, nameColumn } from '../columns.js'
import type { TokenReview } from '../types.js'
import { fieldErrors } from '../validation/field-errors.js'
import { defineKind } from './define-kind.js'

/** Whose token is this. */
export const tokenReviews = defineKind<TokenReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  verbs: ['create'],
  virtual: true,
  generation: false,
  applyDefaults: (review) => {
    review.spec ??= { token: '' }
    review.status ??= {}
    review.status.user ??= {}
  },
  validate: ({ spec }) => (spec.token ? [] : [fieldErrors.required('spec.token')]),
  columns: [nameColumn, ageColumn]
})
