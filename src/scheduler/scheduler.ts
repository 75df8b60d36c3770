import { isDeepStrictEqual } from 'node:util'
import { namespaces as namespaceKind } from '../api/kinds/namespaces.js'
import { nodes as nodeKind } from '../api/kinds/nodes.js'
import { pods as podKind } from '../api/kinds/pods.js'
import type { Node, Pod } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { keyOf } from '../base/object.js'
import type { Client } from '../client/client.js'
import type { InformerFactory } from '../client/informer-factory.js'
import type { Change, Informer } from '../client/informer.js'
import { createEventRecorder } from '../client/events.js'
import { ClusterState } from './cluster-state.js'
import { decide } from './decide.js'
import type { Nominated, NodeRejection } from './decide.js'
import { preemptionMessage, preemptionNever, preemptionWaits, unschedulableMessage } from './messages.js'
import { podInfo } from './node-info.js'
import type { PodInfo } from './node-info.js'
import type { ClusterChange } from './plugin.js'
import { filterPlugins, scorePlugins } from './plugins/registry.js'
import { PodWriter } from './pod-writer.js'
import { planPreemption } from './preemption.js'
import { SchedulingQueue } from './scheduling-queue.js'

export interface Scheduler {
  /** Subscribes, waits until the informers are synced, and begins to place pods. */
  start(): Promise<void>
  /** Resolves when no write is under way any more. */
  stop(): Promise<void>
}

export interface SchedulerOptions {
  client: Client
  informers: InformerFactory
  clock: Clock
  logger: Logger
  /** Pods with this spec.schedulerName are placed. Default `default-scheduler`. */
  name?: string
}

/** After so many decisions others get a turn: an I/O callback waits at most some milliseconds. */
const decisionsPerTurn = 20

/**
 * Places pending pods on nodes, one decision after another, each in memory; the writes run beside the next decisions,
 * on the assumption that they succeed (upstream: pkg/scheduler).
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new PodScheduler(options)
}

class PodScheduler implements Scheduler {
  readonly #name: string
  readonly #informers: InformerFactory
  readonly #logger: Logger
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #state: ClusterState
  readonly #queue: SchedulingQueue
  readonly #writer: PodWriter
  /** Pods placed here whose binding the informer doesn't show yet. */
  readonly #assumed = new Set<string>()
  readonly #nominated = new Map<string, { info: PodInfo; nodeName: string }>()
  readonly #writes = new Set<Promise<void>>()
  #unsubscribe: (() => void)[] = []
  #running = false
  #pumping = false

  constructor({ client, informers, clock, logger, name = 'default-scheduler' }: SchedulerOptions) {
    this.#name = name
    this.#informers = informers
    this.#logger = logger.with({ scheduler: name })
    this.#pods = informers.of(podKind)
    this.#nodes = informers.of(nodeKind)
    const namespaces = informers.of(namespaceKind)
    this.#state = new ClusterState((namespace) => namespaces.get(namespace)?.metadata.labels)
    this.#queue = new SchedulingQueue({
      clock,
      onReady: () => {
        this.#pump()
      }
    })
    const events = createEventRecorder({ client, component: name, clock, logger })
    this.#writer = new PodWriter({ client, events, clock, schedulerName: name })
  }

  async start(): Promise<void> {
    this.#unsubscribe = [
      this.#nodes.onChange((change) => {
        this.#nodeChanged(change)
      }),
      this.#pods.onChange((change) => {
        this.#podChanged(change)
      })
    ]
    this.#running = true
    this.#informers.start()
    await this.#informers.synced()
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#running = false
    for (const undo of this.#unsubscribe) undo()
    this.#queue.clear()
    await Promise.all(this.#writes)
  }

  #nodeChanged({ type, object, previous }: Change<Node>): void {
    if (type === 'deleted') {
      this.#state.removeNode(object.metadata.name)
      return
    }
    // Heartbeats change status only; they must not wake pods or rebuild sums.
    const facts = ({ metadata, spec, status }: Node) => [
      metadata.labels,
      spec,
      status?.allocatable,
      status?.capacity
    ]
    if (previous && isDeepStrictEqual(facts(previous), facts(object))) return
    this.#state.setNode(object)
    this.#changed('node')
  }

  #podChanged({ type, object, previous }: Change<Pod>): void {
    const key = keyOf(object)
    const gone = type === 'deleted' || isFinished(object)
    if (object.spec.nodeName === undefined) {
      if (!gone && isWanted(object, this.#name)) this.#pending(key, object, previous)
      else this.#forget(key)
      return
    }
    this.#assumed.delete(key)
    this.#nominated.delete(key)
    this.#queue.remove(key)
    if (gone) {
      this.#state.remove(key)
      this.#changed('pod-gone')
      return
    }
    this.#state.place(object, object.spec.nodeName)
    const moved = !isDeepStrictEqual(previous?.metadata.labels, object.metadata.labels)
    if (previous?.spec.nodeName === undefined || moved) this.#changed('pod-placed')
  }

  #pending(key: string, pod: Pod, previous: Pod | undefined): void {
    if (this.#assumed.has(key)) return
    const { nominatedNodeName } = pod.status ?? {}
    if (nominatedNodeName) this.#nominated.set(key, { info: podInfo(pod), nodeName: nominatedNodeName })
    if (pod.spec.schedulingGates?.length) {
      this.#queue.remove(key)
      this.#write(key, this.#writer.gated(pod))
      return
    }
    // The scheduler's own status writes are no reason to try again.
    const same =
      previous !== undefined &&
      isDeepStrictEqual(previous.spec, pod.spec) &&
      isDeepStrictEqual(previous.metadata.labels, pod.metadata.labels)
    if (!same || !this.#queue.has(key)) this.#queue.add(key, pod.spec.priority ?? 0)
  }

  #forget(key: string): void {
    this.#queue.remove(key)
    this.#nominated.delete(key)
    if (this.#assumed.delete(key)) this.#state.remove(key)
  }

  #changed(change: ClusterChange): void {
    this.#queue.moved((name) =>
      filterPlugins.some((plugin) => plugin.name === name && plugin.changes.includes(change))
    )
  }

  #pump(): void {
    if (this.#pumping || !this.#running) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      if (!this.#running || !this.#pods.isSynced || !this.#nodes.isSynced) return
      for (let i = 0; i < decisionsPerTurn; i++) {
        const key = this.#queue.take()
        if (key === undefined) return
        this.#place(key)
      }
      this.#pump()
    })
  }

  #place(key: string): void {
    const pod = this.#pods.get(key)
    if (!pod || pod.spec.nodeName !== undefined) {
      this.#queue.remove(key)
      return
    }
    const info = podInfo(pod)
    const { nodeName, rejections } = decide({
      info,
      view: this.#state,
      filters: filterPlugins,
      scores: scorePlugins,
      nominated: this.#nominatedByNode()
    })
    if (nodeName === undefined) this.#unschedulable(info, rejections)
    else this.#bind(info, nodeName)
  }

  #nominatedByNode(): Nominated {
    const byNode = new Map<string, PodInfo[]>()
    for (const { info, nodeName } of this.#nominated.values()) {
      byNode.set(nodeName, [...(byNode.get(nodeName) ?? []), info])
    }
    return byNode
  }

  #bind({ pod, key }: PodInfo, nodeName: string): void {
    this.#assumed.add(key)
    this.#state.place(pod, nodeName)
    const bound = this.#writer.bind(pod, nodeName).catch((error: unknown) => {
      // The informer may have shown the binding although its answer was an error.
      if (this.#assumed.delete(key)) {
        this.#state.remove(key)
        this.#queue.retry(key)
        this.#changed('pod-gone')
      }
      throw error
    })
    this.#write(key, bound)
  }

  #unschedulable(info: PodInfo, rejections: ReadonlyMap<string, NodeRejection>): void {
    const { pod, key } = info
    const plugins = new Set([...rejections.values()].map(({ plugin }) => plugin))
    // Without nodes nothing was rejected: any plugin's change may help.
    this.#queue.unschedulable(key, plugins)
    const preemption = this.#preempt(info, rejections)
    const message = unschedulableMessage(rejections, this.#state.nodes.size, preemption).trimEnd()
    this.#write(key, this.#writer.unschedulable(pod, message))
  }

  /** Makes room if it can; else says why not. */
  #preempt(info: PodInfo, rejections: ReadonlyMap<string, NodeRejection>): string {
    const { pod, key, priority } = info
    if (pod.spec.preemptionPolicy === 'Never') return preemptionNever
    const promised = this.#nominated.get(key)?.nodeName
    const leaving = [...(this.#state.nodes.get(promised ?? '')?.pods.values() ?? [])].some(
      (other) => other.priority < priority && other.pod.metadata.deletionTimestamp !== undefined
    )
    if (leaving) return preemptionWaits
    const plan = planPreemption({ info, view: this.#state, filters: filterPlugins, rejections })
    if (!plan) return preemptionMessage(rejections, this.#state.nodes.size)
    this.#nominated.set(key, { info, nodeName: plan.nodeName })
    const victims = plan.victims.map((victim) => victim.pod)
    this.#write(key, this.#writer.preempt(pod, plan.nodeName, victims))
    return ''
  }

  #write(key: string, promise: Promise<void>): void {
    const write: Promise<void> = promise
      .catch((error: unknown) => {
        this.#logger.warn('write failed', { key, error })
      })
      .finally(() => {
        this.#writes.delete(write)
      })
    this.#writes.add(write)
  }
}

const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

const isWanted = ({ metadata, spec }: Pod, schedulerName: string): boolean =>
  metadata.deletionTimestamp === undefined && (spec.schedulerName ?? 'default-scheduler') === schedulerName
