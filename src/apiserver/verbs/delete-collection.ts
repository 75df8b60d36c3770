import { isReason } from '../../base/status.js'
import type { DeleteOptions, ResourceRequest } from '../../client/transport.js'
import type { Core, Scope } from '../core.js'
import { deleteEntity } from './delete.js'
import { listEntities } from './list.js'
import type { EntityList, EntityListOptions } from './list.js'

const parallel = 16

/** Deletes all that the list options select; one that is gone meanwhile is no error. Returns what was selected. */
export async function deleteCollection(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  list: EntityListOptions = {},
  options: DeleteOptions = {}
): Promise<EntityList> {
  const selected = listEntities(core, target, list)
  const queue = selected.entities.map((entity) => entity.object.metadata)
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      try {
        await deleteEntity(core, scope, { ...target, name: next.name, namespace: next.namespace }, options)
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, queue.length) }, work))
  return selected
}
