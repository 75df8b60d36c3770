import type { Kind } from '../../api/kind.js'
import { toTime } from '../../base/clock.js'
import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { FieldError, Status } from '../../base/status.js'
import type { DeleteOptions, ResourceRequest } from '../../client/transport.js'
import type { StoreRecord } from '../../store/store.js'
import { settle } from '../admission/settle.js'
import { hasFinalize } from '../core.js'
import type { Core, Scope } from '../core.js'
import { encoderOf, entityFrom, entityOf } from '../entity.js'
import type { Entity } from '../entity.js'
import { cloneJson, equalJson } from '../json.js'
import { isStoreError } from '../versions.js'
import { recordOf } from './get.js'
import { isReleased } from './modify.js'

export interface Deletion {
  /** The object's last state, or its state while deletion is pending. */
  entity: Entity
  /** It is gone (in a dry run: would be). */
  done: boolean
}

const attempts = 10

/** Deletes an object, or marks it when it needs time or has finalizers (registry Store.Delete, rest.BeforeDelete). */
export async function deleteEntity(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  options: DeleteOptions = {}
): Promise<Deletion> {
  validateDeleteOptions(options)
  for (let tries = 1; ; tries++) {
    const record = recordOf(core, target)
    const object = entityOf(target.kind, record).object
    checkPreconditions(target, object, options)
    try {
      return await admitted(core, scope, target, options, record, object)
    } catch (error) {
      if (isStoreError(error, 'missing')) throw statusErrors.notFound(target.kind, object.metadata.name)
      if (!isStoreError(error, 'conflict') || tries >= attempts) throw error
    }
  }
}

function validateDeleteOptions({ propagationPolicy }: DeleteOptions): void {
  if (!propagationPolicy || ['Orphan', 'Background', 'Foreground'].includes(propagationPolicy)) return
  const errors: FieldError[] = [
    {
      type: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      message: `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Background", "Foreground", "Orphan"`
    }
  ]
  throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
}

function checkPreconditions(
  { kind }: ResourceRequest,
  object: KubeObject,
  { preconditions }: DeleteOptions
): void {
  const { name, uid, resourceVersion } = object.metadata
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`
    throw statusErrors.conflict(kind, name, why)
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why =
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ` +
      `ResourceVersion in object meta: ${resourceVersion}`
    throw statusErrors.conflict(kind, name, why)
  }
}

function admitted(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  options: DeleteOptions,
  record: StoreRecord,
  object: KubeObject
): Promise<Deletion> {
  return settle(
    core,
    {
      operation: 'DELETE',
      kind: target.kind,
      subresource: undefined,
      namespace: target.namespace,
      name: object.metadata.name,
      object: undefined,
      oldObject: object,
      user: scope.user,
      dryRun: options.dryRun === true,
      warn: scope.warn
    },
    () => [],
    () => carryOut(core, target.kind, options, record, object)
  )
}

async function carryOut(
  core: Core,
  kind: Kind,
  options: DeleteOptions,
  record: StoreRecord,
  object: KubeObject
): Promise<Deletion> {
  const marked = markForDeletion(core, kind, object, options)
  if (isReleased(kind, marked)) {
    if (options.dryRun) return { entity: entityOf(kind, record), done: true }
    const gone = await core.store.delete(record.key, record.modRevision, encoderOf(kind, object))
    return { entity: entityOf(kind, gone), done: true }
  }
  if (equalJson(marked, object)) return { entity: entityOf(kind, record), done: false }
  if (options.dryRun) return { entity: entityFrom(kind, marked), done: false }
  const updated = await core.store.update(record.key, record.modRevision, encoderOf(kind, marked))
  return { entity: entityOf(kind, updated), done: false }
}

/** The object as deletion leaves it: with its time, grace period and finalizers. */
function markForDeletion(core: Core, kind: Kind, object: KubeObject, options: DeleteOptions): KubeObject {
  const next = cloneJson(object)
  const { metadata } = next
  if (metadata.deletionTimestamp) return shorten(next, options.gracePeriodSeconds)
  const finalizers = finalizersFor(kind, metadata.finalizers ?? [], options.propagationPolicy)
  if (finalizers.length > 0) metadata.finalizers = finalizers
  else delete metadata.finalizers
  const grace = graceFor(kind, object, options.gracePeriodSeconds)
  metadata.deletionTimestamp = toTime(new Date(core.clock.now().getTime() + grace * 1000))
  metadata.deletionGracePeriodSeconds = grace
  if (metadata.generation !== undefined) metadata.generation += 1
  if (hasFinalize(kind)) Object.assign(next, { status: { ...statusOf(next), phase: 'Terminating' } })
  return next
}

const statusOf = (object: KubeObject) => (object as { status?: Record<string, unknown> }).status

function graceFor(kind: Kind, object: KubeObject, requested: number | undefined): number {
  // A negative period means at once, as gently as possible.
  const wanted = requested !== undefined && requested < 0 ? 1 : requested
  return kind.gracePeriodSeconds?.(object, wanted) ?? 0
}

/** Deletion is under way: a request may only shorten what is left of the grace period. */
function shorten(object: KubeObject, requested: number | undefined): KubeObject {
  const { metadata } = object
  const granted = metadata.deletionGracePeriodSeconds ?? 0
  if (requested === undefined || !metadata.deletionTimestamp) return object
  const period = requested < 0 ? 1 : requested
  if (period >= granted) return object
  const began = Date.parse(metadata.deletionTimestamp) - granted * 1000
  metadata.deletionTimestamp = toTime(new Date(began + period * 1000))
  metadata.deletionGracePeriodSeconds = period
  return object
}

/** The garbage collector is told by finalizer what to do with dependents (deletionFinalizersForGarbageCollection). */
function finalizersFor(
  kind: Kind,
  finalizers: readonly string[],
  policy: DeleteOptions['propagationPolicy']
): string[] {
  const others = finalizers.filter(
    (finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion'
  )
  // Without a word from the client, a finalizer that is there already decides.
  if (policy === undefined && others.length < finalizers.length) return [...finalizers]
  switch (policy ?? kind.defaultPropagation ?? 'Background') {
    case 'Orphan':
      return [...others, 'orphan']
    case 'Foreground':
      return [...others, 'foregroundDeletion']
    case 'Background':
      return others
  }
}

/** What a client gets for a finished deletion. */
export function deletedStatus(kind: Kind, object: KubeObject): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(kind.group ? { group: kind.group } : {}),
      kind: kind.plural,
      uid: object.metadata.uid
    },
    code: 200
  }
}
