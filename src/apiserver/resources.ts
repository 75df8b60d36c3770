import type { KubeObject, ObjectList } from '../base/object.js'
import { groupVersionOf } from '../api/kind.js'
import { messageOf } from '../base/errors.js'
import { StatusError, statusErrors } from '../base/status.js'
import type { ResourceRequest, Transport, WatchHandle, WatchSubscriber } from '../client/transport.js'
import type { Core, Scope } from './core.js'
import { dispatchCreate, dispatchGet, dispatchPatch, dispatchUpdate } from './dispatch.js'
import { isStoreError } from './versions.js'
import { deleteCollection } from './verbs/delete-collection.js'
import { deletedStatus, deleteEntity } from './verbs/delete.js'
import { listEntities } from './verbs/list.js'
import type { EntityList } from './verbs/list.js'
import { watchEntities } from './verbs/watch.js'
import type { User } from './user.js'

/** The API in-process. */
export interface Resources {
  /** The verbs as this user; nothing is checked against the authorizer: who calls this is part of mk. */
  as(user: User): Transport
}

export function createResources(core: Core): Resources {
  return { as: (user) => transportFor(core, user) }
}

function transportFor(core: Core, user: User): Transport {
  const scope: Scope = { user, manager: managerOf(user), warn: () => {} }
  const object = async (entity: Promise<{ object: KubeObject }>) => (await entity).object
  return {
    get: (request, options) => attempt(() => dispatchGet(core, request, options?.resourceVersion).object),
    list: (request, options) => attempt(() => objectList(request, listEntities(core, request, options))),
    watch: (request, options, subscriber) => watch(core, request, options, subscriber),
    create: (request, body, options) =>
      attempt(() => object(dispatchCreate(core, scope, request, body, options))),
    update: (request, body, options) =>
      attempt(() => object(dispatchUpdate(core, scope, request, body, options))),
    patch: (request, type, body, options) =>
      attempt(async () => (await dispatchPatch(core, scope, request, { type, body }, options)).entity.object),
    delete: (request, options) =>
      attempt(async () => {
        const { entity, done } = await deleteEntity(core, scope, request, options)
        return done ? deletedStatus(request.kind, entity.object) : entity.object
      }),
    deleteCollection: (request, list, options) =>
      attempt(async () => objectList(request, await deleteCollection(core, scope, request, list, options)))
  }
}

const managerOf = (user: User): string => user.name.slice(user.name.lastIndexOf(':') + 1) || 'unknown'

async function attempt<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw toStatusError(error)
  }
}

/** Anything thrown as an API error; what is none is a defect or a failing store, and a 500. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  if (isStoreError(error, 'full'))
    return new StatusError(statusErrors.internal(error.message).status, { cause: error })
  if (isStoreError(error, 'closed')) return statusErrors.unavailable('the server is shutting down')
  return new StatusError(statusErrors.internal(messageOf(error)).status, { cause: error })
}

function objectList({ kind }: ResourceRequest, list: EntityList): ObjectList {
  return {
    apiVersion: groupVersionOf(kind),
    kind: `${kind.kind}List`,
    metadata: listMetaOf(list),
    items: list.entities.map((entity) => entity.object)
  }
}

export function listMetaOf(list: EntityList): ObjectList['metadata'] {
  const { revision, continue: token, remainingItemCount } = list
  return {
    resourceVersion: String(revision),
    ...(token === undefined ? {} : { continue: token }),
    ...(remainingItemCount === undefined ? {} : { remainingItemCount })
  }
}

/** Errors at the start come through onEnd too, so that a watcher has one place for them. */
function watch(
  core: Core,
  request: ResourceRequest,
  options: Parameters<Transport['watch']>[1],
  subscriber: WatchSubscriber
): WatchHandle {
  let closed = false
  try {
    const match = options.sendInitialEvents ? ({ resourceVersionMatch: 'NotOlderThan' } as const) : {}
    return watchEntities(
      core,
      request,
      { ...options, ...match },
      {
        onEvents: (events) => {
          for (const { type, entity } of events) {
            if (!closed) subscriber.onEvent({ type, object: entity.object })
          }
        },
        onEnd: (error) => {
          subscriber.onEnd(error)
        }
      }
    )
  } catch (error) {
    queueMicrotask(() => {
      if (!closed) subscriber.onEnd(toStatusError(error))
    })
    return {
      close: () => {
        closed = true
      }
    }
  }
}
