import { ageColumn, nameColumn } from '../columns.js'
import type { SelfSubjectReview } from '../types.js'
import { defineKind } from './define-kind.js'

/** Who am I: `kubectl auth whoami`. */
export const selfSubjectReviews = defineKind<SelfSubjectReview>({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  verbs: ['create'],
  virtual: true,
  generation: false,
  columns: [nameColumn, ageColumn]
})
