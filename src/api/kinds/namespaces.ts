import { ageColumn, column, nameColumn } from '../columns.js'
import type { Namespace } from '../types.js'
import { defineKind, statusSubresource } from './define-kind.js'

export const namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: [{ name: 'finalize', verbs: ['update'] }, statusSubresource],
  nameRule: 'label',
  generation: false,
  applyDefaults: (namespace) => {
    const { name } = namespace.metadata
    if (name)
      namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': name }
    namespace.spec ??= {}
    namespace.status = { ...namespace.status, phase: namespace.status?.phase || 'Active' }
  },
  prepareForCreate: (namespace) => {
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec.finalizers ?? []
    namespace.spec = {
      ...namespace.spec,
      finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes']
    }
  },
  // Only /finalize changes spec.finalizers.
  prepareForUpdate: (namespace, old) => {
    const { finalizers } = old.spec
    namespace.spec = { ...namespace.spec, ...(finalizers ? { finalizers } : {}) }
    if (!finalizers) delete namespace.spec.finalizers
  },
  selectableFields: { 'status.phase': (namespace) => namespace.status?.phase ?? '' },
  columns: [nameColumn, column('Status', (namespace) => namespace.status?.phase ?? ''), ageColumn]
})
