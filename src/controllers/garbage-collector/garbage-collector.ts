import { groupVersionOf } from '../../api/kind.js'
import type { KubeObject, OwnerReference } from '../../base/object.js'
import { isReason } from '../../base/status.js'
import type { ControllerContext, ControllerFactory } from '../../reconcile/controller.js'
import { collectableKinds } from '../support/kinds.js'
import { OwnershipGraph, ownersOf } from './ownership-graph.js'
import type { Entry } from './ownership-graph.js'

const foreground = 'foregroundDeletion'
const orphan = 'orphan'

type Policy = 'Background' | 'Foreground' | 'Orphan'
type OwnerState = 'solid' | 'gone' | 'waiting'

const isDeleting = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined
const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) === true
const waitsForDependents = (object: KubeObject): boolean =>
  isDeleting(object) && hasFinalizer(object, foreground)

/**
 * Deletes what depends on deleted objects, by owner uid: in the background, in the foreground (the owner waits for
 * dependents that block it), or not at all when the dependents are orphaned (upstream: pkg/controller/garbagecollector).
 * Work comes from watches only.
 */
export const garbageCollector: ControllerFactory = (context) => {
  const { informers } = context
  const graph = new OwnershipGraph()
  const watched = collectableKinds(context.kinds).map((kind) => ({ kind, informer: informers.of(kind) }))
  const collector = new Collector(context, graph)
  return {
    name: 'garbagecollector',
    concurrency: 20,

    watch(queue) {
      const addAll = (entries: readonly Entry[]) => {
        for (const { object } of entries) queue.add(object.metadata.uid)
      }
      return watched.map(({ kind, informer }) =>
        informer.onChange(({ type, object, previous }) => {
          const { uid } = object.metadata
          if (type === 'deleted') {
            graph.delete(uid)
            addAll(graph.dependentsOf(uid))
          } else {
            graph.set(kind, object)
            // An object whose owners are all there is looked at again when one of them goes.
            const lost = ownersOf(object).some((owner) => isLost(graph, owner))
            if (lost || isDeleting(object)) queue.add(uid)
          }
          // An owner that waits for its dependents has one less, or one that no longer blocks.
          for (const owner of ownersOf(previous ?? object)) {
            const entry = graph.get(owner.uid)
            if (entry && waitsForDependents(entry.object)) queue.add(owner.uid)
          }
        })
      )
    },

    async reconcile(uid) {
      await collector.collect(uid)
      return undefined
    }
  }
}

function isLost(graph: OwnershipGraph, owner: OwnerReference): boolean {
  const entry = graph.get(owner.uid)
  return entry === undefined || waitsForDependents(entry.object)
}

class Collector {
  readonly #context: ControllerContext
  readonly #graph: OwnershipGraph
  constructor(context: ControllerContext, graph: OwnershipGraph) {
    this.#context = context
    this.#graph = graph
  }

  async collect(uid: string): Promise<void> {
    const entry = this.#graph.get(uid)
    if (!entry) return
    if (isDeleting(entry.object)) {
      if (hasFinalizer(entry.object, orphan)) await this.#orphanDependents(entry)
      else if (hasFinalizer(entry.object, foreground)) await this.#deleteDependents(entry)
      return
    }
    await this.#collectDependent(entry)
  }

  async #collectDependent(entry: Entry): Promise<void> {
    const owners = ownersOf(entry.object)
    if (owners.length === 0) return
    const states = await Promise.all(owners.map((owner) => this.#stateOf(owner, entry)))
    if (states.includes('solid')) {
      const solid = owners.filter((_, i) => states[i] === 'solid')
      if (solid.length < owners.length) await this.#patch(entry, { ownerReferences: solid })
      return
    }
    const waiting = states.includes('waiting')
    const hasDependents = this.#graph.dependentsOf(entry.object.metadata.uid).length > 0
    if (waiting && hasDependents) {
      await this.#breakCycle(entry)
      await this.#delete(entry, 'Foreground')
    } else {
      await this.#delete(entry, policyOf(entry.object))
    }
  }

  /** Objects that own each other and wait for each other would wait for ever: one of them stops blocking. */
  async #breakCycle(entry: Entry): Promise<void> {
    const dependents = this.#graph.dependentsOf(entry.object.metadata.uid)
    if (!dependents.some(({ object }) => waitsForDependents(object))) return
    const ownerReferences = ownersOf(entry.object).map((owner) => ({ ...owner, blockOwnerDeletion: false }))
    await this.#patch(entry, { ownerReferences })
  }

  async #stateOf(owner: OwnerReference, dependent: Entry): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid)
    const { namespace } = dependent.object.metadata
    const reachable = known && (!known.kind.namespaced || known.object.metadata.namespace === namespace)
    if (reachable) return waitsForDependents(known.object) ? 'waiting' : 'solid'
    const kind = this.#context.kinds.find(
      (candidate) => groupVersionOf(candidate) === owner.apiVersion && candidate.kind === owner.kind
    )
    // What can't be looked up can't be known to be gone.
    if (!kind || kind.virtual || (kind.namespaced && namespace === undefined)) return 'solid'
    try {
      const key = { name: owner.name, ...(kind.namespaced ? { namespace } : {}) }
      const found = await this.#context.client.of(kind).get(key)
      if (found.metadata.uid !== owner.uid) return 'gone'
      return waitsForDependents(found) ? 'waiting' : 'solid'
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'gone'
      throw error
    }
  }

  async #orphanDependents(entry: Entry): Promise<void> {
    const { uid } = entry.object.metadata
    for (const dependent of this.#graph.dependentsOf(uid)) {
      const ownerReferences = ownersOf(dependent.object).filter((owner) => owner.uid !== uid)
      await this.#patch(dependent, { ownerReferences })
    }
    await this.#removeFinalizer(entry, orphan)
  }

  async #deleteDependents(entry: Entry): Promise<void> {
    const { uid } = entry.object.metadata
    const blocking = this.#graph
      .dependentsOf(uid)
      .filter(({ object }) => ownersOf(object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion))
    if (blocking.length === 0) {
      await this.#removeFinalizer(entry, foreground)
      return
    }
    const alive = blocking.filter(({ object }) => !isDeleting(object))
    await Promise.all(alive.map((dependent) => this.#collectDependent(dependent)))
  }

  async #removeFinalizer(entry: Entry, finalizer: string): Promise<void> {
    const finalizers = (entry.object.metadata.finalizers ?? []).filter((other) => other !== finalizer)
    await this.#patch(entry, { finalizers })
  }

  /** On the version that the decision was made on: a newer one is looked at anew. */
  async #patch({ kind, object }: Entry, metadata: object): Promise<void> {
    const { uid, resourceVersion } = object.metadata
    try {
      const body = { metadata: { uid, resourceVersion, ...metadata } }
      await this.#context.client.of(kind).patch(object.metadata, 'merge', body)
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }

  async #delete({ kind, object }: Entry, propagationPolicy: Policy): Promise<void> {
    const { uid, resourceVersion } = object.metadata
    try {
      const preconditions = { uid, resourceVersion }
      await this.#context.client.of(kind).delete(object.metadata, { propagationPolicy, preconditions })
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }
}

/** A finalizer put on before decides how the object's own dependents fare. */
function policyOf(object: KubeObject): Policy {
  if (hasFinalizer(object, orphan)) return 'Orphan'
  return hasFinalizer(object, foreground) ? 'Foreground' : 'Background'
}
