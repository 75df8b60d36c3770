import type { Kind } from '../../api/kind.js'
import { groupVersionOf } from '../../api/kind.js'
import type { KubeObject, OwnerReference } from '../../base/object.js'
import { keyOf } from '../../base/object.js'
import type { Selector } from '../../base/selectors.js'
import { isReason } from '../../base/status.js'
import type { Client } from '../../client/client.js'
import type { Informer, Lister } from '../../client/informer.js'

/** The one owner that manages the object. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((reference) => reference.controller === true)

/** The reference by which `owner` manages what it creates or adopts. */
export const controllerReference = <T extends KubeObject>(kind: Kind<T>, owner: T): OwnerReference => ({
  apiVersion: groupVersionOf(kind),
  kind: kind.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true
})

const indexName = 'controller'
const orphansOf = (namespace: string | undefined) => `orphans/${namespace ?? ''}`

/** Makes {@link controlledBy} and {@link orphansIn} work on the informer. */
export function indexByController<T extends KubeObject>(informer: Informer<T>): void {
  informer.index(indexName, (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)])
}

export const controlledBy = <T extends KubeObject>(lister: Lister<T>, uid: string): T[] =>
  lister.byIndex(indexName, uid)

export const orphansIn = <T extends KubeObject>(lister: Lister<T>, namespace: string | undefined): T[] =>
  lister.byIndex(indexName, orphansOf(namespace))

/** The object that manages this one, if it is of that kind and still the same (uid). */
export function ownerIn<O extends KubeObject>(object: KubeObject, owners: Informer<O>): O | undefined {
  const reference = controllerOf(object)
  if (reference?.kind !== owners.kind.kind || !reference.apiVersion.startsWith(owners.kind.group))
    return undefined
  const { namespace } = object.metadata
  const owner = owners.get(namespace ? `${namespace}/${reference.name}` : reference.name)
  return owner?.metadata.uid === reference.uid ? owner : undefined
}

/**
 * The objects that `owner` manages: those it controls and that match its selector. Matching orphans are adopted,
 * controlled ones that don't match any more are released (upstream: controller_ref_manager.go).
 */
export async function claim<O extends KubeObject, T extends KubeObject>(options: {
  client: Client
  owner: O
  ownerKind: Kind<O>
  selector: Selector
  informer: Informer<T>
}): Promise<T[]> {
  const { client, owner, ownerKind, selector, informer } = options
  const resource = client.of(informer.kind)
  const alive = owner.metadata.deletionTimestamp === undefined
  const claimed: T[] = []

  async function setOwners(object: T, ownerReferences: OwnerReference[]): Promise<T | undefined> {
    const { uid, resourceVersion } = object.metadata
    try {
      return await resource.patch(object.metadata, 'merge', {
        metadata: { uid, resourceVersion, ownerReferences }
      })
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  for (const object of controlledBy(informer, owner.metadata.uid)) {
    if (selector.matches(object.metadata.labels)) claimed.push(object)
    else if (alive) {
      const rest = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid)
      await setOwners(object, rest)
    }
  }
  if (!alive) return claimed
  let confirmed = false
  for (const object of orphansIn(informer, owner.metadata.namespace)) {
    if (object.metadata.deletionTimestamp !== undefined || !selector.matches(object.metadata.labels)) continue
    confirmed ||= await isStillThere(client, ownerKind, owner)
    if (!confirmed) return claimed
    const references = [...(object.metadata.ownerReferences ?? []), controllerReference(ownerKind, owner)]
    const adopted = await setOwners(object, references)
    if (adopted) claimed.push(adopted)
  }
  return claimed
}

/** Asked of the server, not the cache: an owner just deleted with its dependents orphaned must not take them back. */
async function isStillThere<O extends KubeObject>(client: Client, kind: Kind<O>, owner: O): Promise<boolean> {
  try {
    const { uid, deletionTimestamp } = (await client.of(kind).get(owner.metadata)).metadata
    return uid === owner.metadata.uid && deletionTimestamp === undefined
  } catch (error) {
    if (isReason(error, 'NotFound')) return false
    throw error
  }
}

/** Calls `enqueue` for the owner of each changed object, before and after the change. */
export function watchOwned<O extends KubeObject, T extends KubeObject>(options: {
  owned: Informer<T>
  owners: Informer<O>
  enqueue: (owner: O, object: T) => void
  /** For changed objects that nobody controls: who might adopt them? */
  mayAdopt: (owner: O, object: T) => boolean
}): () => void {
  const { owned, owners, enqueue, mayAdopt } = options
  return owned.onChange(({ type, object, previous }) => {
    const owner = ownerIn(object, owners)
    if (owner) enqueue(owner, object)
    const former = previous && ownerIn(previous, owners)
    if (former && (!owner || keyOf(former) !== keyOf(owner))) enqueue(former, object)
    if (controllerOf(object) || type === 'deleted') return
    for (const candidate of owners.list(object.metadata.namespace)) {
      if (mayAdopt(candidate, object)) enqueue(candidate, object)
    }
  })
}
