import type { Namespace } from '../../api/types.js'
import { statusErrors } from '../../base/status.js'
import type { AdmissionPlugin, AdmissionRequest } from './admission.js'
import type { ObjectReader } from './reader.js'

const immortal = ['default', 'kube-system', 'kube-public']
const namespaces = { group: '', kind: 'Namespace' }

/** Nothing is created in namespaces that are missing or going; the first ones stay (plugin NamespaceLifecycle). */
export function namespaceLifecycle(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    // First of all, so that a missing namespace is what the client hears of.
    mutate: (request) => {
      if (request.operation === 'DELETE') refuseImmortal(request)
      if (request.operation === 'CREATE' && request.kind.namespaced) requireActive(reader, request)
    }
  }
}

function refuseImmortal({ kind, name }: AdmissionRequest): void {
  if (kind.group === '' && kind.kind === 'Namespace' && immortal.includes(name)) {
    throw statusErrors.forbidden(kind, name, 'this namespace may not be deleted')
  }
}

function requireActive(reader: ObjectReader, { kind, namespace = '', name }: AdmissionRequest): void {
  const found = reader.get<Namespace>(namespaces, undefined, namespace)
  if (!found) throw statusErrors.notFound({ group: '', plural: 'namespaces' }, namespace)
  if (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp) return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const message = `namespace ${namespace} is being terminated`
  throw statusErrors.forbidden(kind, name, why, [
    { reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }
  ])
}
