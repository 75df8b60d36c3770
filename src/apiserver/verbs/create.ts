import { randomSuffix, newUid } from '../../base/ids.js'
import { toTime } from '../../base/clock.js'
import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { ResourceRequest, WriteOptions } from '../../client/transport.js'
import { settle } from '../admission/settle.js'
import type { Core, Scope } from '../core.js'
import { decodeObject, settleNamespace } from '../decode.js'
import { encoderOf, entityFrom, entityOf } from '../entity.js'
import type { Entity } from '../entity.js'
import { cloneJson } from '../json.js'
import { storageKey } from '../keys.js'
import { runHooks } from '../kind-hooks.js'
import { trackManager } from '../managed-fields.js'
import { validateObjectMeta } from '../object-meta.js'
import { isStoreError } from '../versions.js'

const generatedNameAttempts = 8
const longestGeneratedBase = 58

export interface CreateOptions extends WriteOptions {
  /** The object came by server-side apply and has its managedFields. */
  applied?: boolean
}

/** Creates an object from a body (registry Store.Create, rest.BeforeCreate). */
export async function createEntity(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  body: unknown,
  options: WriteOptions = {}
): Promise<Entity> {
  const object = decodeObject(core, scope, target.kind, body, options.fieldValidation)
  settleNamespace(target, object)
  return createDecoded(core, scope, target, object, options)
}

/** Creates an object that is decoded, pruned and ours already. A generated name that is taken is made anew. */
export async function createDecoded(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  object: KubeObject,
  options: CreateOptions
): Promise<Entity> {
  const generated = !object.metadata.name && object.metadata.generateName
  if (!generated) return attempt(core, scope, target, object, options)
  for (let tries = 1; ; tries++) {
    const named = cloneJson(object)
    named.metadata.name = generated.slice(0, longestGeneratedBase) + randomSuffix()
    try {
      return await attempt(core, scope, target, named, options)
    } catch (error) {
      if (!(tries < generatedNameAttempts && isTaken(error))) throw error
    }
  }
}

const taken = new WeakSet<object>()
const isTaken = (error: unknown): boolean => typeof error === 'object' && error !== null && taken.has(error)

async function attempt(
  core: Core,
  scope: Scope,
  target: ResourceRequest,
  object: KubeObject,
  options: CreateOptions
): Promise<Entity> {
  const { kind, namespace } = target
  runHooks(core, kind, () => {
    prepare(core, target, object)
  })
  // Before admission: what that adds belongs to nobody.
  if (!options.applied) trackManager(core, scope, { kind, next: object, fieldManager: options.fieldManager })
  runHooks(core, kind, () => kind.prepareForCreate?.(object))
  return settle(
    core,
    {
      operation: 'CREATE',
      kind,
      subresource: undefined,
      namespace,
      name: object.metadata.name,
      object,
      oldObject: undefined,
      user: scope.user,
      dryRun: options.dryRun === true,
      warn: scope.warn
    },
    () => [...validateObjectMeta(kind, object.metadata), ...(kind.validate?.(object) ?? [])],
    async () => {
      runHooks(core, kind, () => kind.warnings?.(object))?.forEach(scope.warn)
      return persist(core, target, object, options)
    }
  )
}

/** What the server decides about a new object (rest.FillObjectMetaSystemFields, strategy.PrepareForCreate). */
function prepare(core: Core, { kind }: ResourceRequest, object: KubeObject): void {
  const { metadata } = object
  if (metadata.resourceVersion) {
    throw statusErrors.badRequest('resourceVersion should not be set on objects to be created')
  }
  metadata.uid = newUid()
  metadata.creationTimestamp = toTime(core.clock.now())
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete (metadata as { resourceVersion?: string }).resourceVersion
  delete (metadata as { selfLink?: string }).selfLink
  if (kind.generation === false) delete metadata.generation
  else metadata.generation = 1
  core.schemas.fillRequired(kind, object)
  kind.applyDefaults?.(object)
}

async function persist(
  core: Core,
  { kind, namespace }: ResourceRequest,
  object: KubeObject,
  options: WriteOptions
): Promise<Entity> {
  const { name } = object.metadata
  const key = storageKey(kind, namespace, name)
  if (options.dryRun) {
    if (core.store.get(key)) throw nameTaken(kind, name)
    return entityFrom(kind, object)
  }
  try {
    return entityOf(kind, await core.store.create(key, encoderOf(kind, object)))
  } catch (error) {
    throw isStoreError(error, 'exists') ? nameTaken(kind, name) : error
  }
}

function nameTaken(kind: { group: string; plural: string }, name: string): Error {
  const error = statusErrors.alreadyExists(kind, name)
  taken.add(error)
  return error
}
