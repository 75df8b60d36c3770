import type { Kind } from '../api/kind.js'
import type { KubeObject, New, ObjectKey, ObjectList, WatchEvent } from '../base/object.js'
import type { Status, StatusError } from '../base/status.js'
import type {
  DeleteOptions,
  ListOptions,
  PatchOptions,
  PatchType,
  Transport,
  WatchHandle,
  WatchOptions,
  WriteOptions
} from './transport.js'

/** Which objects a collection call is about: one namespace, or all when left out. */
export interface CollectionOptions extends ListOptions {
  namespace?: string | undefined
}

export interface TypedWatchSubscriber<T extends KubeObject> {
  onEvent(event: WatchEvent<T>): void
  onEnd(error?: StatusError): void
}

/** One subresource of a kind; bodies may be of another kind (Scale, Binding). */
export interface SubresourceClient {
  get<B extends KubeObject>(key: ObjectKey): Promise<B>
  create<B extends KubeObject>(key: ObjectKey, body: unknown, options?: WriteOptions): Promise<B>
  update<B extends KubeObject>(key: ObjectKey, body: unknown, options?: WriteOptions): Promise<B>
  patch<B extends KubeObject>(
    key: ObjectKey,
    type: PatchType,
    body: unknown,
    options?: PatchOptions
  ): Promise<B>
}

/** The API's verbs for one kind. Every failure is a StatusError. Objects returned are shared: clone before changing one. */
export interface ResourceClient<T extends KubeObject> {
  readonly kind: Kind<T>
  get(key: ObjectKey, options?: { resourceVersion?: string }): Promise<T>
  list(options?: CollectionOptions): Promise<ObjectList<T>>
  watch(
    options: WatchOptions & { namespace?: string | undefined },
    subscriber: TypedWatchSubscriber<T>
  ): WatchHandle
  /** The namespace is the object's own. */
  create(object: New<T>, options?: WriteOptions): Promise<T>
  /** Compare-and-swap on the object's resourceVersion. */
  update(object: T, options?: WriteOptions): Promise<T>
  updateStatus(object: T, options?: WriteOptions): Promise<T>
  patch(key: ObjectKey, type: PatchType, body: unknown, options?: PatchOptions): Promise<T>
  patchStatus(key: ObjectKey, type: PatchType, body: unknown, options?: PatchOptions): Promise<T>
  /** The object while its deletion is pending, else Status Success. */
  delete(key: ObjectKey, options?: DeleteOptions): Promise<T | Status>
  deleteCollection(options: CollectionOptions, deletion?: DeleteOptions): Promise<ObjectList<T>>
  subresource(name: string): SubresourceClient
}

export interface Client {
  of<T extends KubeObject>(kind: Kind<T>): ResourceClient<T>
}

/** A typed view of a Transport. It keeps no state: make as many as you like. */
export function createClient(transport: Transport): Client {
  return { of: (kind) => resourceClient(transport, kind) }
}

// The transport's contract is untyped; this file is the one place that says which type comes back.
function resourceClient<T extends KubeObject>(transport: Transport, typed: Kind<T>): ResourceClient<T> {
  const kind = typed as unknown as Kind
  const one = async (promise: Promise<KubeObject>) => (await promise) as T
  const at = ({ namespace, name }: ObjectKey, subresource?: string) => ({
    kind,
    namespace,
    name,
    subresource
  })
  const of = (object: T, subresource?: string) => at(object.metadata, subresource)
  return {
    kind: typed,
    get: (key, options) => one(transport.get(at(key), options)),
    list: async ({ namespace, ...options } = {}) =>
      (await transport.list({ kind, namespace }, options)) as ObjectList<T>,
    watch: ({ namespace, ...options }, subscriber) =>
      transport.watch({ kind, namespace }, options, {
        onEvent: (event) => {
          subscriber.onEvent(event as WatchEvent<T>)
        },
        onEnd: (error) => {
          subscriber.onEnd(error)
        }
      }),
    create: (object, options) =>
      one(transport.create({ kind, namespace: object.metadata.namespace }, object, options)),
    update: (object, options) => one(transport.update(of(object), object, options)),
    updateStatus: (object, options) => one(transport.update(of(object, 'status'), object, options)),
    patch: (key, type, body, options) => one(transport.patch(at(key), type, body, options)),
    patchStatus: (key, type, body, options) => one(transport.patch(at(key, 'status'), type, body, options)),
    delete: async (key, options) => (await transport.delete(at(key), options)) as T | Status,
    deleteCollection: async ({ namespace, ...list }, deletion) =>
      (await transport.deleteCollection({ kind, namespace }, list, deletion)) as ObjectList<T>,
    subresource: (name) => subresourceClient(transport, kind, name)
  }
}

function subresourceClient(transport: Transport, kind: Kind, subresource: string): SubresourceClient {
  const at = ({ namespace, name }: ObjectKey) => ({ kind, namespace, name, subresource })
  const as = async <B extends KubeObject>(promise: Promise<KubeObject>) => (await promise) as B
  return {
    get: (key) => as(transport.get(at(key))),
    create: (key, body, options) => as(transport.create(at(key), body, options)),
    update: (key, body, options) => as(transport.update(at(key), body, options)),
    patch: (key, type, body, options) => as(transport.patch(at(key), type, body, options))
  }
}
