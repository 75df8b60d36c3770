import { statusErrors } from '../../base/status.js'
import type { ResourceRequest } from '../../client/transport.js'
import type { StoreRecord } from '../../store/store.js'
import type { Core } from '../core.js'
import { entityOf } from '../entity.js'
import type { Entity } from '../entity.js'
import { storageKey } from '../keys.js'
import { pathSegmentProblems } from '../object-meta.js'
import { parseResourceVersion, tooLargeVersion } from '../versions.js'

/** The stored record of the object that the request names. Throws 404. */
export function recordOf(core: Core, target: ResourceRequest): StoreRecord {
  const name = requiredName(target)
  const record = core.store.get(storageKey(target.kind, target.namespace, name))
  if (!record) throw statusErrors.notFound(target.kind, name)
  return record
}

/** `resourceVersion` asks for an answer that is not older; one that was never given out is a 504. */
export function getEntity(core: Core, target: ResourceRequest, resourceVersion?: string): Entity {
  const wanted = parseResourceVersion(resourceVersion)
  if (wanted !== undefined && wanted > core.store.revision) throw tooLargeVersion(wanted, core.store.revision)
  return entityOf(target.kind, recordOf(core, target))
}

export function requiredName(target: ResourceRequest): string {
  const { kind, namespace, name } = target
  if (!name) throw statusErrors.badRequest('name is required')
  const problems = pathSegmentProblems(name)
  if (problems.length > 0) {
    throw statusErrors.badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${problems.join(';')}`)
  }
  if (kind.namespaced && !namespace) throw statusErrors.badRequest('namespace is required')
  return name
}
