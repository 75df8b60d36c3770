import type { KubeObject } from '../../base/object.js'
import { isReason, statusErrors } from '../../base/status.js'
import type { PatchOptions, PatchType, ResourceRequest } from '../../client/transport.js'
import type { Core, Scope } from '../core.js'
import { decodeObject, settleNamespace, strictProblems } from '../decode.js'
import type { Entity } from '../entity.js'
import { cloneJson, isObject } from '../json.js'
import { applyFields } from '../managed-fields.js'
import { patchDocument } from '../patch-document.js'
import { createDecoded } from './create.js'
import { recordOf } from './get.js'
import { modify } from './modify.js'

export interface PatchRequest {
  type: PatchType
  body: unknown
}

export interface PatchResult {
  entity: Entity
  /** Server-side apply makes what is missing. */
  created: boolean
}

/** All four patch types, tried again when someone else wrote in between (handlers/patch.go). */
export async function patchEntity(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  { type, body }: PatchRequest,
  options: PatchOptions = {}
): Promise<PatchResult> {
  if (type === 'apply') return apply(core, scope, target, body, options)
  if (options.force) {
    throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      {
        type: 'FieldValueForbidden',
        field: 'force',
        message: 'Forbidden: may not be specified for non-apply patch'
      }
    ])
  }
  const schema = core.schemas.mergeSchemaOf(target.kind)
  const entity = await modify(core, scope, target, options, (current) => {
    const patched = patchDocument(current, type, body, schema)
    return decodePatched(core, scope, target, patched, current, options)
  })
  return { entity, created: false }
}

/** What a patch has made must be an object of the kind, with the same name. */
function decodePatched(
  core: Core,
  scope: Scope,
  { kind, name = '' }: ResourceRequest,
  patched: unknown,
  current: KubeObject,
  options: PatchOptions
): KubeObject {
  if (!isObject(patched)) throw statusErrors.badRequest('the patch does not leave an object')
  const object = decodeObject(core, { ...scope, duplicates: [] }, kind, patched, 'Ignore')
  refuseStrict(core, scope, kind, patched, name, options)
  for (const member of ['name', 'namespace'] as const) {
    const [now, before] = [object.metadata[member], current.metadata[member]]
    if (now === before) continue
    throw statusErrors.badRequest(
      `the ${member} of the object (${now ?? ''}) does not match the ${member} on the URL (${before ?? ''})`
    )
  }
  return object
}

/** Members that the kind does not know: 422 on field `patch` when strict, warnings otherwise. */
function refuseStrict(
  core: Core,
  scope: Scope,
  kind: ResourceRequest['kind'],
  patched: Record<string, unknown>,
  name: string,
  { fieldValidation }: PatchOptions
): void {
  if (fieldValidation === 'Ignore') return
  const problems = strictProblems(core, scope, kind, cloneJson(patched) as unknown as KubeObject)
  if (problems.length === 0) return
  if (fieldValidation !== 'Strict') {
    problems.forEach(scope.warn)
    return
  }
  const why = `strict decoding error: ${problems.join(', ')}`
  throw statusErrors.invalid(kind, name, [
    {
      type: 'FieldValueInvalid',
      field: 'patch',
      message: `Invalid value: ${JSON.stringify(cloneJson(patched))}: ${why}`
    }
  ])
}

/** Server-side apply: merges what the manager sent into what is there, or creates it. */
async function apply(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  body: unknown,
  options: PatchOptions
): Promise<PatchResult> {
  const { kind, name = '' } = target
  const manager = options.fieldManager
  if (!manager) {
    throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      {
        type: 'FieldValueRequired',
        field: 'fieldManager',
        message: 'Required value: is required for apply patch'
      }
    ])
  }
  const applied = decodeObject(core, scope, kind, body, options.fieldValidation)
  if (applied.metadata.managedFields?.length) {
    throw statusErrors.badRequest('metadata.managedFields must be nil')
  }
  if (applied.metadata.name && applied.metadata.name !== name) {
    throw statusErrors.badRequest(
      `the name of the object (${applied.metadata.name}) does not match the name on the URL (${name})`
    )
  }
  applied.metadata.name = name
  settleNamespace(target, applied)
  const fields = { kind, applied, manager, force: options.force === true, subresource: target.subresource }
  const modified = (): Promise<Entity> =>
    modify(core, scope, target, { ...options, applied: true }, (current) =>
      applyFields(core, { ...fields, current })
    )
  if (exists(core, target)) return { entity: await modified(), created: false }
  if (target.subresource !== undefined) throw statusErrors.notFound(kind, name)
  refuseUid(target, applied)
  try {
    const object = applyFields(core, { ...fields, current: undefined })
    return {
      entity: await createDecoded(core, scope, target, object, { ...options, applied: true }),
      created: true
    }
  } catch (error) {
    // Someone else created it meanwhile.
    if (!isReason(error, 'AlreadyExists')) throw error
    return { entity: await modified(), created: false }
  }
}

function exists(core: Core, target: ResourceRequest): boolean {
  try {
    recordOf(core, target)
    return true
  } catch (error) {
    if (isReason(error, 'NotFound')) return false
    throw error
  }
}

/** A uid means a certain object, which is not there. */
function refuseUid({ kind, name = '' }: ResourceRequest, { metadata }: KubeObject): void {
  if (!metadata.uid) return
  const why = `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`
  throw statusErrors.conflict(kind, name, why)
}
