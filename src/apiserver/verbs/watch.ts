import type { Kind } from '../../api/kind.js'
import { groupVersionOf } from '../../api/kind.js'
import type { KubeObject, WatchEventType } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { StatusError } from '../../base/status.js'
import type { ResourceRequest, WatchHandle, WatchOptions } from '../../client/transport.js'
import type { StoreEvent } from '../../store/store.js'
import type { Core } from '../core.js'
import { atRevision, entityFrom, entityOf } from '../entity.js'
import type { Entity } from '../entity.js'
import { storagePrefix } from '../keys.js'
import { matcherOf } from '../selection.js'
import type { Matcher } from '../selection.js'
import {
  isStoreError,
  parseResourceVersion,
  tooLargeVersion,
  tooOldVersion,
  validateVersionOptions
} from '../versions.js'

export interface EntityEvent {
  type: WatchEventType
  entity: Entity
}

export interface EntityWatcher {
  /** `initial` events are the state at the start, sent at once: they do not count as falling behind. */
  onEvents(events: readonly EntityEvent[], initial: boolean): void
  onEnd(error?: StatusError): void
}

export interface EntityWatchOptions extends WatchOptions {
  resourceVersionMatch?: string | undefined
}

const bookmarkIntervalMs = 60_000
const shortestTimeoutSeconds = 1800

/**
 * Watches a collection, or one object if the target has a name. Throws for bad options and versions that history does
 * not reach; events come later, never inside this call.
 */
export function watchEntities(
  core: Core,
  target: ResourceRequest,
  options: EntityWatchOptions,
  watcher: EntityWatcher
): WatchHandle {
  validateVersionOptions(options, true)
  return new Watch(core, target, options, watcher)
}

class Watch implements WatchHandle {
  readonly #core: Core
  readonly #kind: Kind
  readonly #matches: Matcher | undefined
  readonly #watcher: EntityWatcher
  readonly #bookmarks: boolean
  readonly #stops: (() => void)[] = []
  #closed = false
  /** Events that came before the initial ones were handed over. */
  #early: EntityEvent[] | undefined = []
  /** All changes up to here were delivered. */
  #revision: number

  constructor(core: Core, target: ResourceRequest, options: EntityWatchOptions, watcher: EntityWatcher) {
    this.#core = core
    this.#kind = target.kind
    this.#watcher = watcher
    this.#bookmarks = options.allowWatchBookmarks === true
    this.#matches = matcherOf(target.kind, options, target.name)
    const prefix = storagePrefix(target.kind, target.namespace)
    const from = parseResourceVersion(options.resourceVersion) ?? 0
    if (from > core.store.revision) throw tooLargeVersion(from, core.store.revision)
    const snapshot = options.sendInitialEvents ?? from === 0
    const initial = snapshot ? this.#initialEvents(prefix, options) : []
    this.#revision = snapshot || from === 0 ? core.store.revision : from
    this.#follow(prefix)
    queueMicrotask(() => {
      this.#begin(initial)
    })
    this.#startTimers(options)
  }

  close(): void {
    this.#closed = true
    for (const stop of this.#stops.splice(0)) stop()
  }

  #initialEvents(prefix: string, options: EntityWatchOptions): EntityEvent[] {
    const { records, revision } = this.#core.store.list({ prefix })
    const events: EntityEvent[] = []
    for (const record of records) {
      const entity = entityOf(this.#kind, record)
      if (!this.#matches || this.#matches(entity.object)) events.push({ type: 'ADDED', entity })
    }
    if (options.sendInitialEvents && this.#bookmarks) {
      const annotations = { 'k8s.io/initial-events-end': 'true' }
      events.push({ type: 'BOOKMARK', entity: bookmark(this.#kind, revision, annotations) })
    }
    return events
  }

  #follow(prefix: string): void {
    const { store } = this.#core
    try {
      const watch = store.watch(
        { prefix, fromRevision: this.#revision },
        {
          onEvents: (events) => {
            this.#onEvents(events)
          },
          onProgress: (revision) => {
            this.#revision = Math.max(this.#revision, revision)
          },
          onEnd: () => {
            this.#end(statusErrors.unavailable('the server is shutting down'))
          }
        }
      )
      this.#stops.push(() => {
        watch.close()
      })
    } catch (error) {
      if (isStoreError(error, 'compacted')) throw tooOldVersion(this.#revision, store.compactedRevision)
      if (isStoreError(error, 'future')) throw tooLargeVersion(this.#revision, store.revision)
      throw error
    }
  }

  #begin(initial: EntityEvent[]): void {
    const early = this.#early ?? []
    this.#early = undefined
    if (!this.#closed && initial.length > 0) this.#watcher.onEvents(initial, true)
    if (!this.#closed && early.length > 0) this.#watcher.onEvents(early, false)
  }

  #onEvents(events: readonly StoreEvent[]): void {
    if (this.#closed) return
    const changes: EntityEvent[] = []
    for (const event of events) {
      const change = this.#changeOf(event)
      if (change) changes.push(change)
      this.#revision = Math.max(this.#revision, event.revision)
    }
    if (changes.length === 0) return
    if (this.#early) this.#early.push(...changes)
    else this.#watcher.onEvents(changes, false)
  }

  /** With a selector, an object that begins to match is ADDED, and one that no longer does DELETED. */
  #changeOf({ type, record, previous, revision }: StoreEvent): EntityEvent | undefined {
    const entity = entityOf(this.#kind, record)
    const matches = this.#matches
    if (type === 'delete') {
      return !matches || matches(entity.object) ? { type: 'DELETED', entity } : undefined
    }
    if (!matches) return { type: previous ? 'MODIFIED' : 'ADDED', entity }
    const before = previous && entityOf(this.#kind, previous).object
    const matched = before !== undefined && matches(before)
    if (matches(entity.object)) return { type: matched ? 'MODIFIED' : 'ADDED', entity }
    return matched ? { type: 'DELETED', entity: atRevision(this.#kind, before, revision) } : undefined
  }

  #startTimers(options: EntityWatchOptions): void {
    const { clock } = this.#core
    const seconds = options.timeoutSeconds || shortestTimeoutSeconds * (1 + Math.random())
    this.#stops.push(
      clock.after(seconds * 1000, () => {
        this.#sendBookmark()
        this.#end()
      })
    )
    if (!this.#bookmarks) return
    let cancel = () => {}
    const again = () => {
      cancel = clock.after(bookmarkIntervalMs, () => {
        this.#sendBookmark()
        if (!this.#closed) again()
      })
    }
    again()
    this.#stops.push(() => {
      cancel()
    })
  }

  #sendBookmark(): void {
    if (this.#closed || !this.#bookmarks || this.#early) return
    this.#watcher.onEvents([{ type: 'BOOKMARK', entity: bookmark(this.#kind, this.#revision) }], false)
  }

  #end(error?: StatusError): void {
    if (this.#closed) return
    this.close()
    this.#watcher.onEnd(error)
  }
}

/** An object with nothing but its type and version: everything before that version was seen. */
function bookmark(kind: Kind, revision: number, annotations?: Record<string, string>): Entity {
  const object = {
    kind: kind.kind,
    apiVersion: groupVersionOf(kind),
    metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) }
  } as unknown as KubeObject
  return entityFrom(kind, object)
}
