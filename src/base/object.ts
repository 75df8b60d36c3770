/** Shapes that every Kubernetes object shares (meta/v1). Times are RFC 3339 strings in whole UTC seconds. */

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean | undefined
  blockOwnerDeletion?: boolean | undefined
}

export interface ManagedFieldsEntry {
  manager?: string | undefined
  operation?: 'Apply' | 'Update' | undefined
  apiVersion?: string | undefined
  time?: string | undefined
  fieldsType?: 'FieldsV1' | undefined
  fieldsV1?: Record<string, unknown> | undefined
  subresource?: string | undefined
}

/** Metadata of a stored object: name, uid and resourceVersion are always there. For input see {@link New}. */
export interface ObjectMeta {
  name: string
  uid: string
  resourceVersion: string
  generateName?: string | undefined
  namespace?: string | undefined
  generation?: number | undefined
  creationTimestamp?: string | undefined
  deletionTimestamp?: string | undefined
  deletionGracePeriodSeconds?: number | undefined
  labels?: Record<string, string> | undefined
  annotations?: Record<string, string> | undefined
  ownerReferences?: OwnerReference[] | undefined
  finalizers?: string[] | undefined
  managedFields?: ManagedFieldsEntry[] | undefined
}

/**
 * An object as the API serves it. Objects handed out by the store, an informer or a lister are shared:
 * treat them as immutable and clone (structuredClone) before changing one.
 */
export interface KubeObject {
  apiVersion?: string | undefined
  kind?: string | undefined
  metadata: ObjectMeta
}

/** An object on its way to the server: the server fills in the metadata that is missing. */
export type New<T extends KubeObject> = Omit<T, 'metadata'> & { metadata: Partial<ObjectMeta> }

/** Names one object. Cluster-scoped objects have no namespace. */
export interface ObjectKey {
  namespace?: string | undefined
  name: string
}

export interface ListMeta {
  resourceVersion: string
  continue?: string | undefined
  remainingItemCount?: number | undefined
}

export interface ObjectList<T extends KubeObject = KubeObject> {
  apiVersion: string
  kind: string
  metadata: ListMeta
  items: T[]
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'

export interface WatchEvent<T extends KubeObject = KubeObject> {
  type: WatchEventType
  object: T
}

/** `namespace/name`, or `name` for a cluster-scoped object: the key of listers and work queues. */
export function keyOf(object: { metadata: { name: string; namespace?: string | undefined } }): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** The inverse of {@link keyOf}. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
