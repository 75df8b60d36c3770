import { statusErrors } from '../base/status.js'
import type { PatchOptions, ResourceRequest, WriteOptions } from '../client/transport.js'
import type { Core, Scope } from './core.js'
import type { Entity } from './entity.js'
import type { SubresourceHandler } from './core.js'
import { createEntity } from './verbs/create.js'
import { getEntity } from './verbs/get.js'
import { patchEntity } from './verbs/patch.js'
import type { PatchRequest, PatchResult } from './verbs/patch.js'
import { answerReview } from './verbs/review.js'
import { updateEntity } from './verbs/update.js'

// Each verb goes to the object itself, to its status, to a subresource's handler, or to a review.

/** The handler of the target's subresource, if it has one of its own. Throws if there is no such subresource. */
function handlerOf(
  core: Core,
  { kind, subresource, name = '' }: ResourceRequest
): SubresourceHandler | undefined {
  if (subresource === undefined) return undefined
  if (!kind.subresources.some((one) => one.name === subresource)) throw statusErrors.notFound(kind, name)
  const handler = core.subresources.get(subresource)
  if (!handler && subresource !== 'status') throw statusErrors.methodNotAllowed()
  return handler
}

export function dispatchGet(core: Core, target: ResourceRequest, resourceVersion?: string): Entity {
  const handler = handlerOf(core, target)
  if (!handler) return getEntity(core, target, resourceVersion)
  if (!handler.get) throw statusErrors.methodNotAllowed()
  return handler.get(core, target)
}

export async function dispatchCreate(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  body: unknown,
  options: WriteOptions = {}
): Promise<Entity> {
  if (target.kind.virtual) return answerReview(core, scope, target, body, options)
  const handler = handlerOf(core, target)
  if (handler?.create) return handler.create(core, scope, target, body, options)
  if (target.subresource !== undefined) throw statusErrors.methodNotAllowed()
  return createEntity(core, scope, target, body, options)
}

export async function dispatchUpdate(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  body: unknown,
  options: WriteOptions = {}
): Promise<Entity> {
  const handler = handlerOf(core, target)
  if (!handler) return updateEntity(core, scope, target, body, options)
  if (!handler.update) throw statusErrors.methodNotAllowed()
  return handler.update(core, scope, target, body, options)
}

export async function dispatchPatch(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  patch: PatchRequest,
  options: PatchOptions = {}
): Promise<PatchResult> {
  const handler = handlerOf(core, target)
  if (!handler) return patchEntity(core, scope, target, patch, options)
  if (!handler.patch) throw statusErrors.methodNotAllowed()
  return { entity: await handler.patch(core, scope, target, patch, options), created: false }
}
