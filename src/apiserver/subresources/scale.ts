import type { Kind } from '../../api/kind.js'
import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { FieldError } from '../../base/status.js'
import type { PatchOptions, ResourceRequest } from '../../client/transport.js'
import type { Core, Scope } from '../core.js'
import { entityFrom } from '../entity.js'
import type { Entity } from '../entity.js'
import { cloneJson, isObject } from '../json.js'
import { patchDocument } from '../patch-document.js'
import { getEntity } from '../verbs/get.js'
import { modify } from '../verbs/modify.js'
import type { SubresourceHandler } from '../core.js'

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

/** The scale subresource as autoscaling/v1 Scale, through what the kind declares. */
export const scale: SubresourceHandler = {
  get: (core, target) => scaleOf(target.kind, getEntity(core, target).object),
  update: (core, scope, target, body, options) => change(core, scope, target, options, () => body),
  patch: (core, scope, target, { type, body }, options) => {
    if (type === 'apply' || type === 'strategic') {
      // Scale has no lists or shared fields: both mean the same as a merge patch.
      return change(core, scope, target, options, (current) => patchDocument(current, 'merge', body))
    }
    return change(core, scope, target, options, (current) => patchDocument(current, type, body))
  }
}

async function change(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  options: PatchOptions,
  next: (current: KubeObject) => unknown
): Promise<Entity> {
  const entity = await modify(core, scope, target, options, (current) => {
    const { replicas, resourceVersion } = readScale(next(scaleOf(target.kind, current).object), target)
    const object = cloneJson(current)
    object.metadata.resourceVersion = resourceVersion ?? ''
    target.kind.scale?.setReplicas(object, replicas)
    return object
  })
  return scaleOf(target.kind, entity.object)
}

function scaleOf(kind: Kind, object: KubeObject): Entity {
  if (!kind.scale) throw statusErrors.notFound(kind, object.metadata.name)
  const { specReplicas, statusReplicas, selector } = kind.scale.get(object)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return entityFrom(scaleKind, {
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: specReplicas },
    status: { replicas: statusReplicas, ...(selector ? { selector } : {}) }
  } as KubeObject)
}

function readScale(
  body: unknown,
  { name = '' }: ResourceRequest
): { replicas: number; resourceVersion?: string } {
  if (!isObject(body)) throw statusErrors.badRequest('expected a Scale object')
  const { spec = {}, metadata = {}, kind } = body
  if (kind !== undefined && kind !== scaleKind.kind) {
    throw statusErrors.badRequest(`wrong object passed to Scale update: ${JSON.stringify(kind)}`)
  }
  const replicas = isObject(spec) ? (spec['replicas'] ?? 0) : undefined
  if (!isObject(metadata) || typeof replicas !== 'number' || !Number.isSafeInteger(replicas)) {
    throw statusErrors.badRequest(
      'Scale in version "v1" cannot be handled as a Scale: spec.replicas must be an integer of type int32'
    )
  }
  if (replicas < 0) {
    const why = 'must be greater than or equal to 0'
    const error: FieldError = {
      type: 'FieldValueInvalid',
      field: 'spec.replicas',
      message: `Invalid value: ${String(replicas)}: ${why}`
    }
    throw statusErrors.invalid(scaleKind, name, [error])
  }
  const version = metadata['resourceVersion']
  return { replicas, ...(typeof version === 'string' ? { resourceVersion: version } : {}) }
}
