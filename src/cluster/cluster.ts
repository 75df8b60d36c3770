import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pods as podKind } from '../api/kinds/pods.js'
import { kinds } from '../api/registry.js'
import { SchemaRegistry } from '../api/schema/schema-registry.js'
import { createApiServer } from '../apiserver/api-server.js'
import type { ApiServer } from '../apiserver/api-server.js'
import { createClusterPki } from '../apiserver/pki/cluster-pki.js'
import type { ClusterPki } from '../apiserver/pki/pki.js'
import { createStreamHandlers } from '../apiserver/streams/handlers.js'
import { componentUser } from '../apiserver/user.js'
import type { Clock } from '../base/clock.js'
import type { ClusterStatus, UpOptions } from '../base/control.js'
import { isMkError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Paths } from '../base/paths.js'
import { createClient } from '../client/client.js'
import { createEventRecorder } from '../client/events.js'
import { createInformerFactory } from '../client/informer-factory.js'
import { controllers } from '../controllers/registry.js'
import { createKubelet } from '../kubelet/kubelet.js'
import type { Kubelet } from '../kubelet/kubelet.js'
import { createNetwork } from '../network/network.js'
import type { Network } from '../network/network.js'
import { createManager } from '../reconcile/manager.js'
import { createDockerRuntime } from '../runtime/docker/docker-runtime.js'
import type { Runtime, RuntimeInfo } from '../runtime/runtime.js'
import { createScheduler } from '../scheduler/scheduler.js'
import { readConfig, resolveConfig, writeConfig } from './config.js'
import type { ClusterConfig } from './config.js'
import { writeKubeconfig } from './kubeconfig.js'
import { streamsByNode } from './pod-streams.js'
import { nodesReady } from './readiness.js'
import { openState } from './state.js'

/** Where the files are that come with the program. */
export interface Assets {
  /** Holds `mk-agent-<architecture>`. */
  agentDirectory: string
  /** Holds the generated schema definitions; ends with a slash. */
  schemas: URL
  dataPlaneWorker: URL
}

export interface ClusterOptions {
  name: string
  paths: Paths
  assets: Assets
  clock: Clock
  logger: Logger
}

export type Progress = (step: string, state: 'started' | 'done' | 'failed') => void

/** One cluster: everything from the store to the kubelets, started and stopped as one. */
export interface Cluster {
  /** Resolves when the API answers, the nodes are Ready and DNS answers. A failed start leaves nothing running. */
  start(options: UpOptions, progress: Progress): Promise<void>
  /** With `stopPods` the containers are stopped, too; the objects stay in any case. */
  stop(options: { stopPods: boolean }): Promise<void>
  /** Removes all of it: containers, networks and volumes on the engine, and the state. */
  destroy(): Promise<void>
  /** `state` and `error` are the host's to add. */
  status(): Omit<ClusterStatus, 'state' | 'error'>
  /** `Docker Engine 28.2.2 (linux/amd64)`, once it was reached. */
  engine(): string | undefined
}

const preferredApiPort = 6443
const kubernetesVersion = 'v1.36.0'
const downGraceSeconds = 10
const readyTimeoutMs = 60_000

export function createCluster(options: ClusterOptions): Cluster {
  return new LocalCluster(options)
}

class LocalCluster implements Cluster {
  readonly #options: ClusterOptions
  readonly #directory: string
  /** What to undo, in reverse order, when the cluster stops or its start fails. */
  #undo: { what: string; action: () => unknown }[] = []
  #config: ClusterConfig | undefined
  #info: RuntimeInfo | undefined
  #kubelets = new Map<string, Kubelet>()
  #network: Network | undefined
  #apiServer: string | undefined
  #notices: string[] = []

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#directory = join(options.paths.data, options.name)
  }

  async start(options: UpOptions, progress: Progress): Promise<void> {
    const step = async <T>(what: string, action: () => Promise<T>): Promise<T> => {
      progress(what, 'started')
      try {
        const result = await action()
        progress(what, 'done')
        return result
      } catch (error) {
        progress(what, 'failed')
        throw error
      }
    }
    try {
      await this.#start(options, step)
    } catch (error) {
      await this.#unwind()
      throw error
    }
  }

  async #start(
    options: UpOptions,
    step: <T>(what: string, action: () => Promise<T>) => Promise<T>
  ): Promise<void> {
    const { clock, logger, paths, name, assets } = this.#options
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    this.#notices = []
    const configPath = join(this.#directory, 'config.json')
    const config = await resolveConfig(readConfig(configPath), options)
    this.#config = config

    const { store, notice } = await step('Opening the state', () =>
      openState({ directory: this.#directory, clock, logger })
    )
    if (notice) this.#notices.push(notice)
    this.#undo.push({ what: 'store', action: () => store.close() })
    const runtime = this.#runtime(config)
    const pki = await createClusterPki({
      dir: join(this.#directory, 'pki'),
      clock,
      addresses: [config.kubernetesServiceIp]
    })

    const schemas = new SchemaRegistry({ kinds, version: kubernetesVersion, folder: assets.schemas })
    const connect = createStreamHandlers({
      logger,
      streams: streamsByNode((node) => this.#kubelets.get(node)?.streams)
    })
    const api = createApiServer({
      store,
      kinds,
      schemas,
      openApi: schemas.openApi,
      pki,
      clock,
      logger,
      serviceCidr: config.serviceCidr,
      connect
    })
    this.#undo.push({ what: 'API server', action: () => api.close() })
    await step('Reaching the Docker Engine', async () => {
      this.#undo.push({ what: 'runtime', action: () => runtime.stop() })
      const pods = await createClient(api.transport(componentUser('apiserver')))
        .of(podKind)
        .list()
      // A pod that starts again gets the address that it had.
      await runtime.start({ heldIps: pods.items.flatMap((pod) => pod.status?.podIP ?? []) })
      this.#info = await runtime.info()
    })
    writeConfig(configPath, config)
    await step('Starting the API server', async () => {
      const { gateway, podCidr } = runtime.network
      await api.addServerNames({ addresses: [gateway] })
      const { port } = await this.#listen(api, config)
      const inside = await api.listen({ host: gateway, port: 0, peers: podCidr })
      await api.bootstrap({ address: gateway, port: inside.port })
      this.#apiServer = `https://127.0.0.1:${port}`
    })
    await this.#startParts(config, runtime, api, pki, step)
    writeKubeconfig({ path: paths.kubeconfig, name, server: this.#apiServer ?? '', pki })
  }

  /** The preferred port, or another one and a notice; a port that was asked for is taken or the start fails. */
  async #listen(api: ApiServer, config: ClusterConfig): Promise<{ port: number }> {
    const host = '127.0.0.1'
    const wanted = config.apiPort ?? preferredApiPort
    try {
      return await api.listen({ host, port: wanted })
    } catch (error) {
      if (!isMkError(error, 'MK_PORT_IN_USE')) throw error
      const taken = await api.listen({ host, port: 0 })
      this.#notices.push(`${error.message}; the API server listens on port ${taken.port} instead`)
      return taken
    }
  }

  async #startParts(
    config: ClusterConfig,
    runtime: Runtime,
    api: ApiServer,
    pki: ClusterPki,
    step: <T>(what: string, action: () => Promise<T>) => Promise<T>
  ): Promise<void> {
    const { clock, logger, assets } = this.#options
    const clientOf = (component: string) => createClient(api.transport(componentUser(component)))
    const client = clientOf('kube-controller-manager')
    const informers = createInformerFactory({ client, clock, logger })
    this.#undo.push({
      what: 'informers',
      action: () => {
        informers.stop()
      }
    })

    const network = createNetwork({
      client: clientOf('kube-proxy'),
      informers,
      runtime,
      clock,
      logger,
      clusterDomain: config.clusterDomain,
      serviceCidr: config.serviceCidr,
      dnsServiceIp: config.dnsServiceIp,
      listen: config.listen,
      ...(config.httpPort === undefined ? {} : { httpPort: config.httpPort }),
      ...(config.httpsPort === undefined ? {} : { httpsPort: config.httpsPort }),
      workerUrl: assets.dataPlaneWorker
    })
    this.#network = network
    const manager = createManager({
      controllers: controllers.map((make) =>
        make({
          client,
          informers,
          clock,
          logger,
          kinds,
          rootCaPem: pki.ca,
          recorder: (component) => createEventRecorder({ client, component, clock, logger })
        })
      ),
      informers,
      clock,
      logger
    })
    const scheduler = createScheduler({ client: clientOf('kube-scheduler'), informers, clock, logger })
    const names = Array.from({ length: config.nodes }, (_, index) => nodeName(this.#options.name, index))
    for (const name of names) this.#kubelets.set(name, this.#kubelet(name, config, runtime, api, informers))

    informers.start()
    await Promise.all([
      step('Starting DNS, services and ingress', async () => {
        this.#undo.push({ what: 'network', action: () => network.stop() })
        await network.start()
      }),
      step('Starting the control loops', async () => {
        this.#undo.push({ what: 'controllers', action: () => manager.stop() })
        this.#undo.push({ what: 'scheduler', action: () => scheduler.stop() })
        await Promise.all([manager.start(), scheduler.start()])
      })
    ])
    // Pods start once the data path is there: a sandbox is programmed before it is handed out.
    await step('Starting the nodes', async () => {
      for (const kubelet of this.#kubelets.values())
        this.#undo.push({
          what: 'kubelet',
          action: () => {
            kubelet.stop()
          }
        })
      await Promise.all([...this.#kubelets.values()].map((kubelet) => kubelet.start()))
      await nodesReady({ informers, names, timeoutMs: readyTimeoutMs, clock })
    })
  }

  #kubelet(
    name: string,
    config: ClusterConfig,
    runtime: Runtime,
    api: ApiServer,
    informers: ReturnType<typeof createInformerFactory>
  ): Kubelet {
    const { clock, logger } = this.#options
    const client = createClient(api.transport(componentUser(`node:${name}`)))
    return createKubelet({
      nodeName: name,
      client,
      informers,
      runtime,
      clock,
      logger,
      stateDir: join(this.#directory, 'nodes', name),
      clusterDns: config.dnsServiceIp,
      clusterDomain: config.clusterDomain,
      dockerConfigPath: join(process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json'),
      kubeletVersion: kubernetesVersion
    })
  }

  async stop({ stopPods }: { stopPods: boolean }): Promise<void> {
    if (stopPods) {
      await Promise.all(
        [...this.#kubelets.values()].map((kubelet) => kubelet.stopPods({ graceSeconds: downGraceSeconds }))
      )
    }
    await this.#unwind()
  }

  async destroy(): Promise<void> {
    await this.#unwind()
    await this.#runtime(this.#config ?? (await resolveConfig({}, {}))).destroy()
    rmSync(this.#directory, { recursive: true, force: true })
    rmSync(this.#options.paths.kubeconfig, { force: true })
  }

  status(): Omit<ClusterStatus, 'state' | 'error'> {
    const ingress = this.#network?.ingress()
    return {
      name: this.#options.name,
      ...(this.#apiServer
        ? { apiServer: this.#apiServer, kubeconfigPath: this.#options.paths.kubeconfig }
        : {}),
      ...(ingress ? { ingress } : {}),
      nodes: this.#kubelets.size,
      notices: [...this.#notices, ...(this.#network?.notices() ?? [])]
    }
  }

  engine(): string | undefined {
    const info = this.#info
    return info && `${info.engine} ${info.engineVersion} (${info.operatingSystem}/${info.architecture})`
  }

  #runtime(config: ClusterConfig): Runtime {
    const { name, paths, assets, clock, logger } = this.#options
    return createDockerRuntime({
      cluster: engineName(name, paths.data),
      stateDir: join(this.#directory, 'runtime'),
      clock,
      logger,
      serviceCidr: config.serviceCidr,
      agentDirectory: assets.agentDirectory
    })
  }

  async #unwind(): Promise<void> {
    for (const { what, action } of this.#undo.splice(0).reverse()) {
      try {
        await action()
      } catch (error) {
        this.#options.logger.warn('a part did not stop cleanly', { what, error })
      }
    }
    this.#kubelets = new Map()
    this.#network = undefined
    this.#apiServer = undefined
  }
}

/**
 * The cluster's name on the engine. Several users, or several homes of one, may share an engine: each data directory
 * has clusters of its own.
 */
export function engineName(cluster: string, dataDirectory: string): string {
  return `${cluster}-${createHash('sha256').update(dataDirectory).digest('hex').slice(0, 6)}`
}

/** The first node is named after the cluster, as users of other local clusters know it: `mk`, `mk-2`, `mk-3`. */
const nodeName = (cluster: string, index: number): string =>
  index === 0 ? cluster : `${cluster}-${index + 1}`
