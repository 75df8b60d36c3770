import type { Kind } from '../../api/kind.js'
import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { FieldError } from '../../base/status.js'
import type { ResourceRequest, WriteOptions } from '../../client/transport.js'
import type { StoreRecord } from '../../store/store.js'
import { settle } from '../admission/settle.js'
import { hasFinalize, hasStatus } from '../core.js'
import type { Core, Scope } from '../core.js'
import { encoderOf, entityFrom, entityOf } from '../entity.js'
import type { Entity } from '../entity.js'
import { equalJson } from '../json.js'
import { runHooks } from '../kind-hooks.js'
import { sameButTimes, trackManager } from '../managed-fields.js'
import { validateObjectMeta, validateObjectMetaUpdate } from '../object-meta.js'
import { isStoreError } from '../versions.js'
import { recordOf } from './get.js'

/** Makes the next state from a private copy or from nothing of the current one; runs again after a lost race. */
export type Change = (current: KubeObject) => KubeObject | Promise<KubeObject>

export interface ModifyOptions extends WriteOptions {
  /** The change came by server-side apply and has set managedFields itself. */
  applied?: boolean
  /** Which part of the object may change. `whole` is for what the server itself changes (binding). */
  part?: 'main' | 'status' | 'finalize' | 'whole'
}

// Lost races are tried again as often as upstream retries patches, and some.
const attempts = 10

/**
 * Changes one stored object: optimistic lock, admission, validation, generation. A resourceVersion in the next state
 * is a precondition. A change that alters nothing is not written.
 */
export async function modify(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  options: ModifyOptions,
  change: Change
): Promise<Entity> {
  for (let tries = 1; ; tries++) {
    const record = recordOf(core, target)
    const current = entityOf(target.kind, record)
    const next = await change(current.object)
    checkPreconditions(target, next, current.object)
    try {
      return await write(core, scope, target, options, { record, current, next })
    } catch (error) {
      if (isStoreError(error, 'missing')) throw statusErrors.notFound(target.kind, target.name ?? '')
      if (!isStoreError(error, 'conflict')) throw error
      // A state that names its version is refused as stale in the next round.
      if (tries >= attempts) throw statusErrors.modified(target.kind, target.name ?? '')
    }
  }
}

function checkPreconditions(
  { kind, name = '' }: ResourceRequest,
  next: KubeObject,
  current: KubeObject
): void {
  const { uid, resourceVersion } = next.metadata
  if (uid && uid !== current.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`
    throw statusErrors.conflict(kind, name, why)
  }
  const stale =
    resourceVersion && resourceVersion !== '0' && resourceVersion !== current.metadata.resourceVersion
  if (stale) throw statusErrors.modified(kind, name)
}

interface Step {
  record: StoreRecord
  current: Entity
  next: KubeObject
}

async function write(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  options: ModifyOptions,
  { record, current, next: proposed }: Step
): Promise<Entity> {
  const { kind, namespace } = target
  const old = current.object
  const part = options.part ?? (target.subresource === 'status' ? 'status' : 'main')
  const next = combine(kind, part, proposed, old)
  core.schemas.fillRequired(kind, next)
  runHooks(core, kind, () => kind.applyDefaults?.(next))
  if (!options.applied) {
    const { subresource } = target
    trackManager(core, scope, { kind, next, old, subresource, fieldManager: options.fieldManager })
  }
  if (part === 'main') runHooks(core, kind, () => kind.prepareForUpdate?.(next, old))
  return settle(
    core,
    {
      operation: 'UPDATE',
      kind,
      subresource: target.subresource,
      namespace,
      name: old.metadata.name,
      object: next,
      oldObject: old,
      user: scope.user,
      dryRun: options.dryRun === true,
      warn: scope.warn
    },
    () => problemsOf(kind, part, next, old),
    async () => {
      runHooks(core, kind, () => {
        setGeneration(kind, part, next, old)
      })
      if (part === 'main') runHooks(core, kind, () => kind.warnings?.(next, old))?.forEach(scope.warn)
      return store(core, target, options, { record, current, next })
    }
  )
}

/** Puts together what the request may change with what stays as it is. */
function combine(
  kind: Kind,
  part: NonNullable<ModifyOptions['part']>,
  next: KubeObject,
  old: KubeObject
): KubeObject {
  const metadata = { ...next.metadata }
  const { name, namespace, uid, resourceVersion, generation, generateName } = old.metadata
  const { creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = old.metadata
  Object.assign(metadata, { name, namespace, uid, resourceVersion, creationTimestamp, generation })
  Object.assign(metadata, { deletionTimestamp, deletionGracePeriodSeconds, generateName })
  metadata.managedFields ??= old.metadata.managedFields
  for (const key of Object.keys(metadata) as (keyof typeof metadata)[]) {
    if (metadata[key] === undefined || (key as string) === 'selfLink') Reflect.deleteProperty(metadata, key)
  }
  const oldStatus = (old as { status?: unknown }).status
  switch (part) {
    case 'whole':
      return { ...next, metadata }
    case 'main': {
      if (!hasStatus(kind)) return { ...next, metadata }
      const { status: _status, ...rest } = next as KubeObject & { status?: unknown }
      return { ...rest, metadata, ...(oldStatus === undefined ? {} : { status: oldStatus }) }
    }
    case 'status': {
      // Labels and annotations do travel with a status write; owners do not.
      const owners = old.metadata.ownerReferences
      delete metadata.ownerReferences
      if (owners) metadata.ownerReferences = owners
      const { status } = next as { status?: unknown }
      return { ...old, metadata, ...(status === undefined ? {} : { status }) }
    }
    case 'finalize': {
      const spec = { ...(old as Specified).spec, finalizers: (next as Specified).spec?.finalizers ?? [] }
      return { ...old, spec } as KubeObject
    }
  }
}

type Specified = KubeObject & { spec?: { finalizers?: string[] } }

function problemsOf(
  kind: Kind,
  part: NonNullable<ModifyOptions['part']>,
  next: KubeObject,
  old: KubeObject
): FieldError[] {
  const general = [...validateObjectMeta(kind, next.metadata), ...validateObjectMetaUpdate(next, old)]
  if (part === 'main') return [...general, ...(kind.validate?.(next, old) ?? [])]
  if (part === 'status') return [...general, ...(kind.validateStatus?.(next, old) ?? [])]
  return general
}

/** Status and metadata never count; the spec does, or what the kind says. */
function setGeneration(
  kind: Kind,
  part: NonNullable<ModifyOptions['part']>,
  next: KubeObject,
  old: KubeObject
): void {
  if (kind.generation === false || part !== 'main') return
  const changed = kind.generation
    ? kind.generation(next, old)
    : !equalJson((next as Specified).spec, (old as Specified).spec)
  next.metadata.generation = (old.metadata.generation ?? 0) + (changed ? 1 : 0)
}

async function store(
  core: Core,
  target: ResourceRequest,
  options: ModifyOptions,
  { record, current, next }: Step
): Promise<Entity> {
  const { kind } = target
  if (sameButTimes(next, current.object)) {
    // Nothing to write, but the version that the change was made from must still be the newest.
    if (core.store.get(record.key)?.modRevision === record.modRevision) return current
  }
  if (options.dryRun) return entityFrom(kind, next)
  if (isReleased(kind, next)) {
    return entityOf(kind, await core.store.delete(record.key, record.modRevision, encoderOf(kind, next)))
  }
  return entityOf(kind, await core.store.update(record.key, record.modRevision, encoderOf(kind, next)))
}

/** Being deleted, and the last finalizer is gone: the write is the removal (ShouldDeleteDuringUpdate). */
export function isReleased(kind: Kind, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  if (!deletionTimestamp || (deletionGracePeriodSeconds ?? 0) > 0 || (finalizers ?? []).length > 0)
    return false
  return !hasFinalize(kind) || ((object as Specified).spec?.finalizers ?? []).length === 0
}
