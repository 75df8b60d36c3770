import type { Kind } from '../api/kind.js'
import type { KubeObject, ObjectList, WatchEvent } from '../base/object.js'
import type { Status, StatusError } from '../base/status.js'

/** What a request is about. A list or create has no name. */
export interface ResourceRequest {
  kind: Kind
  namespace?: string | undefined
  name?: string | undefined
  subresource?: string | undefined
}

export interface ListOptions {
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  limit?: number | undefined
  continue?: string | undefined
  resourceVersion?: string | undefined
  resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined
}

export interface WatchOptions {
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  /** Changes after this version; '' or '0' begins with ADDED for all that is there. */
  resourceVersion?: string | undefined
  allowWatchBookmarks?: boolean | undefined
  sendInitialEvents?: boolean | undefined
  timeoutSeconds?: number | undefined
}

export interface WriteOptions {
  dryRun?: boolean | undefined
  fieldManager?: string | undefined
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined
}

export interface PatchOptions extends WriteOptions {
  /** Server-side apply only. */
  force?: boolean | undefined
}

export interface DeleteOptions {
  gracePeriodSeconds?: number | undefined
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
  dryRun?: boolean | undefined
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export interface WatchSubscriber {
  /** In order; objects are shared and immutable. */
  onEvent(event: WatchEvent): void
  /** The watch is over: by timeout (no error), or with an error (Expired: list again). */
  onEnd(error?: StatusError): void
}

export interface WatchHandle {
  /** Ends the watch; no callback follows. */
  close(): void
}

/**
 * The API's verbs as calls. The API server implements it in-process for one user; an HTTPS implementation is possible
 * behind the same contract. Every failure is a {@link StatusError}.
 */
export interface Transport {
  get(request: ResourceRequest, options?: { resourceVersion?: string }): Promise<KubeObject>
  list(request: ResourceRequest, options?: ListOptions): Promise<ObjectList>
  watch(request: ResourceRequest, options: WatchOptions, subscriber: WatchSubscriber): WatchHandle
  create(request: ResourceRequest, body: unknown, options?: WriteOptions): Promise<KubeObject>
  update(request: ResourceRequest, body: unknown, options?: WriteOptions): Promise<KubeObject>
  patch(request: ResourceRequest, type: PatchType, body: unknown, options?: PatchOptions): Promise<KubeObject>
  /** The object while deletion is pending, else Status Success. */
  delete(request: ResourceRequest, options?: DeleteOptions): Promise<KubeObject | Status>
  deleteCollection(request: ResourceRequest, list?: ListOptions, options?: DeleteOptions): Promise<ObjectList>
}
