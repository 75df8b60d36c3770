import { ageColumn, column, nameColumn } from '../columns.js'
import type { Lease } from '../types.js'
import { fieldErrors, nonNegative } from '../validation/field-errors.js'
import { defineKind } from './define-kind.js'

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  generation: false,
  applyDefaults: (lease) => {
    lease.spec ??= {}
  },
  validate: ({ spec }) => [
    ...(spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0
      ? [
          fieldErrors.invalid(
            'spec.leaseDurationSeconds',
            spec.leaseDurationSeconds,
            'must be greater than 0'
          )
        ]
      : []),
    ...nonNegative(spec.leaseTransitions, 'spec.leaseTransitions')
  ],
  columns: [nameColumn, column('Holder', (lease) => lease.spec.holderIdentity ?? ''), ageColumn]
})
