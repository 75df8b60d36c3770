import { ageColumn, column, nameColumn } from '../columns.js'
import type { ServiceAccount } from '../types.js'
import { defineKind } from './define-kind.js'

export const serviceAccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  subresources: [
    {
      name: 'token',
      verbs: ['create'],
      bodyKind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }
    }
  ],
  generation: false,
  columns: [nameColumn, column('Secrets', (account) => (account.secrets ?? []).length), ageColumn]
})
