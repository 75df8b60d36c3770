import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { ResourceRequest, WriteOptions } from '../../client/transport.js'
import type { Core, Scope } from '../core.js'
import { decodeObject } from '../decode.js'
import type { Entity } from '../entity.js'
import { cloneJson } from '../json.js'
import { modify } from './modify.js'

/** Replaces an object or one of its parts, `/status` for one (registry Store.Update). */
export async function updateEntity(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  body: unknown,
  options: WriteOptions = {}
): Promise<Entity> {
  const object = decodeObject(core, scope, target.kind, body, options.fieldValidation)
  checkIdentity(target, object)
  return modify(core, scope, target, options, () => cloneJson(object))
}

function checkIdentity({ kind, namespace, name }: ResourceRequest, object: KubeObject): void {
  const { metadata } = object
  if (!metadata.name) metadata.name = name ?? ''
  if (metadata.name !== name) {
    throw statusErrors.badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name ?? ''})`
    )
  }
  if (!kind.namespaced) return
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw statusErrors.badRequest(
      `the namespace of the object (${metadata.namespace}) does not match the namespace on the URL (${namespace ?? ''})`
    )
  }
}
