import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { configMaps } from '../api/kinds/config-maps.js'
import { pods } from '../api/kinds/pods.js'
import { secrets } from '../api/kinds/secrets.js'
import { services } from '../api/kinds/services.js'
import type { ConfigMap, Pod, Secret } from '../api/types.js'
import type { PodStreams } from '../apiserver/streams/backend.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Client } from '../client/client.js'
import type { EventRecorder } from '../client/events.js'
import { createEventRecorder } from '../client/events.js'
import type { InformerFactory } from '../client/informer-factory.js'
import type { Change, Informer } from '../client/informer.js'
import { createInformer } from '../client/informer.js'
import type { PodLabels, Runtime } from '../runtime/runtime.js'
import { rejectionOf } from './admit.js'
import { ImageManager } from './images/image-manager.js'
import { NodeAgent } from './node-agent.js'
import type { NodeContext } from './node-context.js'
import { orphanPod } from './orphan.js'
import { PodWorker } from './pod-worker.js'
import type { KubeletTiming } from './pod-view.js'
import { defaultTiming, isTerminalPhase } from './pod-view.js'
import { createSources, referencesOf } from './sources.js'
import { createPodStreams } from './streams.js'

export interface KubeletOptions {
  nodeName: string
  client: Client
  /** Shared informers; the kubelet asks for ConfigMaps, Secrets and Services. Started and stopped by their owner. */
  informers: InformerFactory
  runtime: Runtime
  clock: Clock
  logger: Logger
  /** Pods' files are kept in `<stateDir>/pods`, a directory of this node alone. The engine must see the same path. */
  stateDir: string
  /** Address of the DNS service. */
  clusterDns: string
  /** Default `cluster.local`. */
  clusterDomain?: string
  /** The node's InternalIP; default: the host's address on the pod network. */
  nodeIp?: string
  nodeLabels?: Readonly<Record<string, string>>
  /** Declared resources of the node; default: the engine's CPUs and memory, 110 pods. */
  capacity?: Readonly<Record<string, string>>
  /** Shown as the node's version; default v1.36.0. */
  kubeletVersion?: string
  /** Docker's config.json with registry credentials; undefined: none. */
  dockerConfigPath?: string
  timing?: Partial<KubeletTiming>
}

export interface Kubelet {
  /** Registers the node, adopts what runs, removes orphans, then drives the node's pods. */
  start(): Promise<void>
  /** Lets go of everything; containers run on. */
  stop(): void
  /**
   * Stops all containers and sandboxes of the node but leaves the objects (mk down). The next start makes new
   * containers for the same pods: restart counts rise by one, addresses and volumes stay.
   * Resolves when all are down or the time (and 10 s) is over.
   */
  stopPods(options: { graceSeconds: number }): Promise<void>
  readonly streams: PodStreams
}

/** The kubelet of one (virtual) node. */
export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeKubelet(options)
}

class NodeKubelet implements Kubelet {
  readonly streams: PodStreams
  readonly #options: KubeletOptions
  readonly #logger: Logger
  readonly #timing: KubeletTiming
  readonly #pods: Informer<Pod>
  readonly #workers = new Map<string, PodWorker>()
  readonly #agent: NodeAgent
  readonly #context: NodeContext
  readonly #sources
  readonly #unsubscribe: (() => void)[] = []
  #cancelResync: () => void = () => {}
  #isStopped = false
  #isGoingDown = false

  constructor(options: KubeletOptions) {
    const { nodeName, client, runtime, clock } = options
    this.#options = options
    this.#logger = options.logger.with({ component: 'kubelet', node: nodeName })
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#sources = createSources(client, clock)
    const fieldSelector = `spec.nodeName=${nodeName}`
    this.#pods = createInformer({ client, kind: pods, fieldSelector, logger: this.#logger, clock })
    this.#agent = new NodeAgent({
      ...options,
      logger: this.#logger,
      timing: this.#timing,
      kubeletVersion: options.kubeletVersion ?? 'v1.36.0',
      labels: options.nodeLabels ?? {},
      capacity: options.capacity ?? {},
      hostIp: () => this.#hostIp()
    })
    const recorder = createEventRecorder({
      client,
      component: 'kubelet',
      host: nodeName,
      clock,
      logger: this.#logger
    })
    this.#context = this.#createContext(recorder)
    this.streams = createPodStreams({
      runtime,
      clock,
      workerOf: (pod) => this.#workers.get(pod.metadata.uid)
    })
  }

  async start(): Promise<void> {
    const { informers, runtime, clock } = this.#options
    const serviceInformer = informers.of(services)
    await this.#agent.start()
    this.#unsubscribe.push(
      runtime.subscribe({
        onContainer: (event) => {
          void this.#onEngineEvent(event)
        },
        onResync: () => {
          void this.#resync()
        }
      })
    )
    this.#pods.start()
    await Promise.all([this.#pods.synced(), serviceInformer.synced()])
    await this.#adopt()
    // What happened between the listing and now came as events of pods that were not known yet.
    await this.#resync()
    this.#unsubscribe.push(
      this.#pods.onChange((change) => {
        this.#onPod(change)
      }),
      informers.of(configMaps).onChange((change) => {
        this.#onSource('configmap', change)
      }),
      informers.of(secrets).onChange((change) => {
        this.#onSource('secret', change)
      })
    )
    const resync = () => {
      this.#cancelResync = clock.after(this.#timing.resyncMs, () => {
        void this.#resync().finally(resync)
      })
    }
    resync()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelResync()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    this.#pods.stop()
    this.#agent.stop()
    for (const worker of this.#workers.values()) worker.stop()
  }

  async stopPods({ graceSeconds }: { graceSeconds: number }): Promise<void> {
    this.#isGoingDown = true
    const workers = [...this.#workers.values()]
    for (const worker of workers) worker.stopPod(graceSeconds)
    const { clock } = this.#options
    const endMs = clock.now().getTime() + (graceSeconds + 10) * 1000
    while (workers.some((worker) => !worker.isDown) && clock.now().getTime() < endMs) {
      await new Promise<void>((resolve) => clock.after(20, resolve))
    }
  }

  #createContext(recorder: EventRecorder): NodeContext {
    const { nodeName, client, runtime, clock, stateDir, clusterDns } = this.#options
    const { informers, clusterDomain = 'cluster.local', dockerConfigPath } = this.#options
    const timing = this.#timing
    const allocatable = () => this.#agent.node?.status?.allocatable ?? {}
    return {
      nodeName,
      pods: client.of(pods),
      runtime,
      images: new ImageManager({
        images: runtime.images,
        sources: this.#sources,
        clock,
        dockerConfigPath,
        backoffMs: timing.imageBackoffMs,
        backoffMaxMs: timing.imageBackoffMaxMs
      }),
      sources: this.#sources,
      recorder,
      clock,
      logger: this.#logger,
      stateDir,
      clusterDns,
      clusterDomain,
      timing,
      hostIp: () => this.#hostIp(),
      memoryBytes: () => this.#agent.info?.memoryBytes ?? 0,
      allocatable,
      services: () => informers.of(services).list(),
      hostFiles,
      onEngineTrouble: () => {
        if (!this.#isStopped) void this.#agent.checkEngine().catch(() => undefined)
      },
      facts: (podIps) => ({ podIps, hostIps: [this.#hostIp()], allocatable: allocatable() })
    }
  }

  #hostIp(): string {
    return this.#options.nodeIp ?? this.#options.runtime.network.gateway
  }

  /** What an earlier kubelet left: each pod gets its containers back; those without a pod are removed. */
  async #adopt(): Promise<void> {
    const { sandboxes, containers } = await this.#options.runtime.list()
    const { nodeName } = this.#options
    const mine: PodLabels[] = [...sandboxes, ...containers].filter(({ node }) => node === nodeName)
    mine.push(...(await this.#leftDirectories()))
    const known = new Map(this.#pods.list().map((pod) => [pod.metadata.uid, pod]))
    for (const uid of new Set([...mine.map(({ podUid }) => podUid), ...known.keys()])) {
      const pod = known.get(uid)
      const record = mine.find(({ podUid }) => podUid === uid)
      if (this.#isStopped || (pod && !this.#isMine(pod))) continue
      const worker = this.#adoptingWorker(pod, record)
      if (!worker) continue
      await worker.adopt(
        sandboxes.filter(({ podUid }) => podUid === uid),
        containers.filter(({ podUid }) => podUid === uid)
      )
      if (!pod) worker.setGone(worker.pod)
    }
  }

  #adoptingWorker(pod: Pod | undefined, record: PodLabels | undefined): PodWorker | undefined {
    const subject = pod ?? (record && orphanPod(record))
    return subject && this.#createWorker(subject, true)
  }

  /** Pods whose directories are all that is left: their removal was cut short. */
  async #leftDirectories(): Promise<PodLabels[]> {
    const { nodeName, stateDir } = this.#options
    const uids = await readdir(join(stateDir, 'pods')).catch(() => [])
    return uids.map((podUid) => ({ podUid, podName: podUid, podNamespace: '', node: nodeName }))
  }

  async #resync(): Promise<void> {
    const before = [...this.#workers].map(([uid, worker]) => ({ uid, worker, activity: worker.activity }))
    try {
      const { sandboxes, containers } = await this.#options.runtime.list()
      await Promise.all(
        before.map(({ uid, worker, activity }) =>
          worker.resync(
            activity,
            sandboxes.filter(({ podUid }) => podUid === uid),
            containers.filter(({ podUid }) => podUid === uid)
          )
        )
      )
    } catch (error) {
      this.#logger.warn('comparing with the engine failed', { error })
      this.#context.onEngineTrouble()
    }
  }

  async #onEngineEvent(event: {
    type: 'started' | 'exited' | 'removed'
    id: string
    podUid: string
    sandbox: boolean
  }): Promise<void> {
    try {
      await this.#workers.get(event.podUid)?.onEngineEvent(event)
    } catch (error) {
      this.#logger.warn('engine event not handled', { error, container: event.id })
      this.#context.onEngineTrouble()
    }
  }

  #onPod({ type, object }: Change<Pod>): void {
    if (!this.#isMine(object)) return
    const worker = this.#workers.get(object.metadata.uid)
    if (type === 'deleted') worker?.setGone(object)
    else if (worker) worker.setPod(object)
    else this.#admit(object)
  }

  #admit(pod: Pod): void {
    const others = [...this.#workers.values()]
      .filter(({ isRejected, pod: other }) => !isRejected && !isTerminalPhase(other.status?.phase))
      .map((worker) => worker.pod)
    const worker = this.#createWorker(pod)
    const isNew = !pod.status?.startTime && !isTerminalPhase(pod.status?.phase)
    const node = this.#agent.node
    const rejection = isNew && node ? rejectionOf(pod, others, node) : undefined
    if (rejection) worker.reject(rejection)
  }

  #createWorker(pod: Pod, waitsForAdoption = false): PodWorker {
    const { uid } = pod.metadata
    const onDone = () => {
      this.#workers.delete(uid)
      this.#sources.forgetPod(uid)
    }
    const worker = new PodWorker({ context: this.#context, pod, waitsForAdoption, onDone })
    this.#workers.set(uid, worker)
    // A pod that comes while the node goes down waits for the next start.
    if (this.#isGoingDown) worker.stopPod(0)
    worker.wake()
    return worker
  }

  /** What is deleted mostly goes together with its pods: these are looked at a moment later, if they are still there. */
  #onSource(what: 'configmap' | 'secret', { type, object }: Change<ConfigMap> | Change<Secret>): void {
    const refresh = () => {
      if (this.#isStopped) return
      for (const worker of this.#workers.values()) {
        const { pod } = worker
        if (pod.metadata.namespace !== object.metadata.namespace) continue
        if (referencesOf(pod).has(`${what}/${object.metadata.name}`)) worker.refreshSources()
      }
    }
    if (type === 'deleted') this.#options.clock.after(this.#context.timing.retryMs, refresh)
    else refresh()
  }

  #isMine = (pod: Pod): boolean => pod.spec.nodeName === this.#options.nodeName
}

async function hostFiles(): Promise<{ resolvConf: string; hosts: string }> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const [stub, live, hosts] = await Promise.all([
    read('/etc/resolv.conf'),
    // Where systemd-resolved keeps the real servers behind its stub on 127.0.0.53.
    read('/run/systemd/resolve/resolv.conf'),
    read('/etc/hosts')
  ])
  return { resolvConf: stub.includes('127.0.0.53') && live !== '' ? live : stub, hosts }
}
