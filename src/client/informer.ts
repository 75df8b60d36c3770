import type { Kind } from '../api/kind.js'
import { groupVersionOf } from '../api/kind.js'
import { Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { KubeObject, WatchEvent } from '../base/object.js'
import { keyOf } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Client } from './client.js'
import { Indexer } from './indexer.js'
import type { IndexFunction } from './indexer.js'
import type { WatchHandle } from './transport.js'

export interface Change<T extends KubeObject> {
  type: 'added' | 'updated' | 'deleted'
  /** The new state; for `deleted` the last one known. */
  object: T
  /** The state before; there for `updated`. */
  previous?: T | undefined
}

/** Read access to what an informer holds. Objects are shared: clone before changing one. */
export interface Lister<T extends KubeObject> {
  /** By `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): T | undefined
  /** All, or those of one namespace. */
  list(namespace?: string): T[]
  byIndex(name: string, value: string): T[]
}

/** A local, always fresh copy of the objects of one kind. Every object carries apiVersion and kind. */
export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly kind: Kind<T>
  readonly isSynced: boolean
  /** Every change up to this version is in; '' before the first list. For "has my own write arrived?". */
  readonly resourceVersion: string
  /** Begins to list and watch; a second call does nothing. */
  start(): void
  /** Ends the watch; what was read stays readable. No listener is called afterwards. */
  stop(): void
  /** Resolves once the first list is in; at once if it is. */
  synced(): Promise<void>
  /**
   * Calls back on each change, after the change is visible in the lister; objects already there come as `added`
   * before this returns. Returns the function that unsubscribes.
   */
  onChange(listener: (change: Change<T>) => void): () => void
  /** Adds an index; the same name again is ignored, so that controllers sharing an informer may share an index. */
  index(name: string, valuesOf: IndexFunction<T>): void
}

export interface InformerOptions<T extends KubeObject> {
  client: Client
  kind: Kind<T>
  namespace?: string | undefined
  fieldSelector?: string | undefined
  labelSelector?: string | undefined
  logger: Logger
  clock: Clock
}

/**
 * Lists, then watches from the list's version (client-go's reflector). A watch that ends is taken up again where it
 * ended; one that has expired makes a new list, whose differences are reported as changes. Errors back off from
 * 100 ms to 30 s.
 */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  return new ListWatchInformer(options)
}

class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: Kind<T>
  isSynced = false
  readonly #options: InformerOptions<T>
  readonly #logger: Logger
  readonly #store = new Indexer<T>()
  readonly #listeners = new Set<(change: Change<T>) => void>()
  readonly #backoff = new Backoff({ baseMs: 100, maxMs: 30_000 })
  readonly #synced: Promise<void>
  #markSynced: () => void = () => {}
  #state: 'new' | 'running' | 'stopped' = 'new'
  resourceVersion = ''
  #watch: WatchHandle | undefined
  #cancelRetry: () => void = () => {}

  constructor(options: InformerOptions<T>) {
    this.kind = options.kind
    this.#options = options
    this.#logger = options.logger.with({ informer: options.kind.plural })
    this.#synced = new Promise((resolve) => {
      this.#markSynced = resolve
    })
  }

  get(key: string): T | undefined {
    return this.#store.get(key)
  }
  list(namespace?: string): T[] {
    return this.#store.list(namespace)
  }
  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value)
  }
  index(name: string, valuesOf: IndexFunction<T>): void {
    this.#store.addIndex(name, valuesOf)
  }
  synced(): Promise<void> {
    return this.#synced
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    for (const object of this.#store.list()) this.#call(listener, { type: 'added', object })
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    void this.#list()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#cancelRetry()
    this.#watch?.close()
    this.#listeners.clear()
  }

  #selection() {
    const { namespace, fieldSelector, labelSelector } = this.#options
    return { namespace, fieldSelector, labelSelector }
  }

  #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  async #list(): Promise<void> {
    try {
      const list = await this.#options.client.of(this.kind).list(this.#selection())
      if (this.#isStopped()) return
      this.resourceVersion = list.metadata.resourceVersion
      this.#replace(list.items)
      this.#backoff.reset('')
      this.isSynced = true
      this.#markSynced()
    } catch (error) {
      if (this.#isStopped()) return
      this.#logger.warn('list failed', { error })
      this.#retry(() => {
        void this.#list()
      })
      return
    }
    this.#startWatch()
  }

  #startWatch(): void {
    const options = { ...this.#selection(), resourceVersion: this.resourceVersion, allowWatchBookmarks: true }
    const startedAt = this.#options.clock.now().getTime()
    try {
      this.#watch = this.#options.client.of(this.kind).watch(options, {
        onEvent: (event) => {
          this.#receive(event)
        },
        onEnd: (error) => {
          this.#ended(error, startedAt)
        }
      })
    } catch (error) {
      this.#ended(error, startedAt)
    }
  }

  #receive(event: WatchEvent<T>): void {
    if (this.#isStopped()) return
    this.resourceVersion = event.object.metadata.resourceVersion
    this.#backoff.reset('')
    if (event.type === 'BOOKMARK') return
    if (event.type === 'DELETED') {
      const previous = this.#store.delete(keyOf(event.object))
      if (previous) this.#notify({ type: 'deleted', object: this.#typed(event.object), previous })
    } else {
      this.#put(event.object)
    }
  }

  #ended(error: unknown, startedAt: number): void {
    if (this.#isStopped()) return
    this.#watch = undefined
    if (isReason(error, 'Expired', 'Gone')) {
      this.#logger.debug('watch expired, listing again')
      this.#retry(() => {
        void this.#list()
      })
      return
    }
    if (error !== undefined) this.#logger.warn('watch failed', { error })
    // A server that ends each watch at once must not make this a busy loop.
    const short = this.#options.clock.now().getTime() - startedAt < 1000
    if (error !== undefined || short)
      this.#retry(() => {
        this.#startWatch()
      })
    else this.#startWatch()
  }

  #retry(action: () => void): void {
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(''), action)
  }

  #replace(items: readonly T[]): void {
    const listed = new Set(items.map((item) => keyOf(item)))
    for (const key of this.#store.keys()) {
      if (listed.has(key)) continue
      const object = this.#store.delete(key)
      if (object) this.#notify({ type: 'deleted', object, previous: object })
    }
    for (const item of items) this.#put(item)
  }

  /** A key that was deleted and created again between two lists is two changes, as its uid tells. */
  #put(received: T): void {
    const object = this.#typed(received)
    const current = this.#store.get(keyOf(object))
    if (current?.metadata.resourceVersion === object.metadata.resourceVersion) return
    if (current && current.metadata.uid !== object.metadata.uid) {
      this.#store.delete(keyOf(current))
      this.#notify({ type: 'deleted', object: current, previous: current })
    }
    const previous = this.#store.set(object)
    this.#notify(previous ? { type: 'updated', object, previous } : { type: 'added', object })
  }

  // Items of a list come without apiVersion and kind.
  #typed(object: T): T {
    if (object.kind !== undefined && object.apiVersion !== undefined) return object
    return { ...object, apiVersion: groupVersionOf(this.kind), kind: this.kind.kind }
  }

  #notify(change: Change<T>): void {
    for (const listener of [...this.#listeners]) this.#call(listener, change)
  }

  #call(listener: (change: Change<T>) => void, change: Change<T>): void {
    try {
      listener(change)
    } catch (error) {
      // One listener's fault must not keep the change from the others.
      this.#logger.error('listener failed', { error, key: keyOf(change.object) })
    }
  }
}
