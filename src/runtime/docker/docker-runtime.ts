import type { Duplex } from 'node:stream'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../base/clock.js'
import { isMkError, MkError } from '../../base/errors.js'
import { silentLogger, type Logger } from '../../base/logger.js'
import type {
  ContainerResources,
  ContainerSpec,
  ContainerState,
  ContainerStats,
  ExecOptions,
  ExecSession,
  LogOptions,
  LogStream,
  Runtime,
  RuntimeInfo,
  RuntimeListener,
  Sandbox,
  SandboxSpec
} from '../runtime.js'
import { Agent } from './agent.js'
import { defaultAgentDirectory, ensureAgentImage } from './agent-image.js'
import { containerConfig, engineResources } from './container-config.js'
import { stopContainer } from './container-stop.js'
import { containerState } from './container-state.js'
import { connectEngine, type Engine } from './engine.js'
import { dialHost } from './dial-host.js'
import { EngineEvents, type EngineEvent } from './events.js'
import { CommandRunner } from './command-runner.js'
import { DockerImages } from './images.js'
import { label, parseSandboxName } from './labels.js'
import { containerLogs } from './logs.js'
import { DockerNetwork } from './docker-network.js'
import { DockerVolumes, removeVolumes } from './docker-volumes.js'
import { isSandbox, listOwn, partition, removeLeftovers } from './own-containers.js'
import { ensurePodNetwork, removePodNetwork } from './pod-network.js'
import { noSharing, type SandboxMode } from './sandbox-config.js'
import { Sandboxes, type SandboxRecord } from './sandboxes.js'
import { createContainer, removeContainer, startTimeoutMs } from './container-lifecycle.js'
import { releaseLeftServiceRoute, releaseServiceRoute } from './service-route.js'
import { attachSession, execSession } from './sessions.js'
import { startNamed } from './start-named.js'
import { containerStats } from './stats.js'
import { WarmPool } from './warm-pool.js'

const notFound = 'MK_CONTAINER_NOT_FOUND' as const

export interface DockerRuntimeOptions {
  /** The cluster's name: part of all names and labels on the engine. */
  cluster: string
  /** A directory of this runtime's own on the engine's host. */
  stateDir: string
  logger?: Logger
  clock?: Clock
  /** Default: the engine that the docker command would use. */
  engine?: Engine
  /** Sandboxes kept ready; default 3. */
  poolSize?: number
  /** How sandboxes get their network; default `auto`: self-plumbed where the engine allows it. */
  sandbox?: 'auto' | SandboxMode
  /** The range of pod addresses. Default: a free one, 10.244.0.0/16 if possible. */
  podCidr?: string
  /** The range of service addresses: packets to it that no rule took never leave the host. */
  serviceCidr?: string
  /** Where the agent's binaries are; default: beside this code. */
  agentDirectory?: string
}

/** What exists once the runtime has started. */
interface Parts {
  engine: Engine
  agent: Agent
  commands: CommandRunner
  sandboxes: Sandboxes
  pool: WarmPool<SandboxRecord>
  events: EngineEvents
}

/** The container runtime on a Docker Engine. Nothing touches the engine before start(). */
class DockerRuntime implements Runtime {
  readonly name = 'docker'
  readonly images: DockerImages
  readonly network = new DockerNetwork()
  readonly volumes: DockerVolumes
  readonly #options: DockerRuntimeOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #listeners = new Set<RuntimeListener>()
  /** Which sandbox a container that this daemon created or listed is in. */
  readonly #sandboxOf = new Map<string, string>()
  #started: Parts | undefined
  #starting: Promise<Parts> | undefined

  constructor(options: DockerRuntimeOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.images = new DockerImages(() => this.#parts.engine)
    this.volumes = new DockerVolumes(options.cluster, () => this.#parts)
  }

  info(): Promise<RuntimeInfo> {
    return Promise.resolve(this.#parts.engine.info)
  }

  async start({ heldIps = [] }: { heldIps?: readonly string[] } = {}): Promise<void> {
    this.#starting ??= this.#start(heldIps)
    try {
      this.#started = await this.#starting
    } catch (error) {
      this.#starting = undefined
      throw error
    }
  }

  async #start(heldIps: readonly string[]): Promise<Parts> {
    const { cluster, stateDir, podCidr, serviceCidr, poolSize = 3 } = this.#options
    const clock = this.#clock
    const logger = this.#logger
    const engine = this.#options.engine ?? (await connectEngine())
    const [network, image] = await Promise.all([
      ensurePodNetwork(engine, {
        cluster,
        ...(podCidr ? { podCidr } : {}),
        ...(serviceCidr ? { serviceCidr } : {})
      }),
      this.#agentImage(engine)
    ])
    const agent = this.#agent(engine)
    await agent.start()
    const sandboxes = new Sandboxes({
      engine,
      agent,
      cluster,
      network,
      image,
      stateDir,
      clock,
      logger,
      mode: this.#options.sandbox ?? 'auto',
      heldIps
    })
    const commands = new CommandRunner({ engine, agent, clock })
    const pool = new WarmPool<SandboxRecord>({
      size: poolSize,
      clock,
      logger,
      make: () => sandboxes.createWarm(),
      discard: (record) => sandboxes.remove(record.id),
      idle: () => engine.heavy.idle && sandboxes.mode === 'self-plumbed'
    })
    const events = new EngineEvents({
      engine,
      cluster,
      clock,
      logger,
      onEvent: (event) => {
        this.#onEvent(event, { sandboxes, commands, pool })
      },
      onResync: () => {
        for (const listener of this.#listeners) listener.onResync()
      }
    })
    await events.start()
    await removeLeftovers(engine, cluster, sandboxes)
    this.network.connect({ network, sandboxes, agent })
    if (serviceCidr !== undefined) await agent.unreachableRoute('add', serviceCidr)
    pool.start()
    return { engine, agent, commands, sandboxes, pool, events }
  }

  #agentImage(engine: Engine): Promise<string> {
    const { agentDirectory = defaultAgentDirectory } = this.#options
    return ensureAgentImage(engine, new DockerImages(() => engine), agentDirectory)
  }

  #agent(engine: Engine): Agent {
    const image = () => this.#agentImage(engine)
    return new Agent({
      engine,
      cluster: this.#options.cluster,
      image,
      clock: this.#clock,
      logger: this.#logger
    })
  }

  async stop(): Promise<void> {
    const parts = await this.#starting?.catch(() => undefined)
    if (!parts) return
    this.#started = undefined
    this.#starting = undefined
    parts.events.stop()
    await parts.pool.stop()
    const { cluster, serviceCidr } = this.#options
    if (serviceCidr !== undefined)
      await releaseServiceRoute(parts, { cluster, serviceCidr }).catch(() => undefined)
    await parts.agent.stop()
    if (!this.#options.engine) parts.engine.close()
  }

  async destroy(): Promise<void> {
    const { cluster, stateDir, serviceCidr } = this.#options
    const wasStarted = this.#starting !== undefined
    await this.stop()
    const engine = this.#options.engine ?? (await connectEngine())
    if (!wasStarted && serviceCidr !== undefined) {
      const parts = { engine, agent: this.#agent(engine), logger: this.#logger }
      await releaseLeftServiceRoute(parts, { cluster, serviceCidr })
    }
    const all = await listOwn(engine, cluster)
    // Members first: an engine refuses to remove nothing, but their sandbox's end would look like a crash.
    const [sandboxes, members] = partition(all, (answer) => isSandbox(answer))
    for (const group of [members, sandboxes])
      await Promise.all(group.map((answer) => removeContainer(engine, answer.Id)))
    await removeVolumes(engine, cluster)
    await removePodNetwork(engine, cluster)
    await rm(join(stateDir, 'sandboxes'), { recursive: true, force: true })
    if (!this.#options.engine) engine.close()
  }

  async createSandbox(spec: SandboxSpec): Promise<Sandbox> {
    const { sandboxes, pool } = this.#parts
    if (spec.hostPorts.length > 0) {
      throw new MkError('MK_UNSUPPORTED', 'host ports are not published by the container runtime', {
        hint: 'expose the pod through a Service of type NodePort or LoadBalancer, or an Ingress'
      })
    }
    return await sandboxes.create(spec, sandboxes.fitsWarm(spec) ? pool.take() : undefined)
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#parts.sandboxes.remove(id)
  }

  async createContainer(spec: ContainerSpec): Promise<string> {
    const { engine, sandboxes, agent } = this.#parts
    const sharing = sandboxes.get(spec.sandboxId)?.sharing ?? noSharing
    const id = await createContainer(
      engine,
      containerConfig(spec, { cluster: this.#options.cluster, sharing, oomScoreFloor: agent.oomScoreFloor })
    )
    this.#sandboxOf.set(id, spec.sandboxId)
    return id
  }

  async startContainer(id: string): Promise<void> {
    const { engine, agent, sandboxes, commands } = this.#parts
    const container = engine.docker.getContainer(id)
    const start = () =>
      engine.heavy.run(() =>
        engine.call(
          'start the container',
          (abortSignal) => container.start({ abortSignal }) as Promise<unknown>,
          { notFound, timeoutMs: startTimeoutMs }
        )
      )
    commands.forget(id)
    const sandboxId = this.#sandboxOf.get(id) ?? (await this.inspectContainer(id)).sandboxId
    const hostname = sandboxes.get(sandboxId)?.lateHostname
    if (hostname === undefined) await start()
    else
      await startNamed({
        agent,
        clock: this.#clock,
        logger: this.#logger,
        sandboxPid: await sandboxes.pid(sandboxId),
        hostname,
        start,
        pid: () => this.#pidOf(id)
      })
  }

  async #pidOf(id: string): Promise<number> {
    const { engine } = this.#parts
    const { State } = await engine.call(
      'inspect',
      (abortSignal) => engine.docker.getContainer(id).inspect({ abortSignal }),
      { notFound }
    )
    return State.Pid
  }

  stopContainer(id: string, options: { graceSeconds: number; signal?: string }): Promise<void> {
    return stopContainer(this.#parts.engine, id, options)
  }

  async removeContainer(id: string): Promise<void> {
    await removeContainer(this.#parts.engine, id)
    this.#sandboxOf.delete(id)
  }

  async inspectContainer(id: string): Promise<ContainerState> {
    const { engine } = this.#parts
    return containerState(
      await engine.call(
        'inspect the container',
        (abortSignal) => engine.docker.getContainer(id).inspect({ abortSignal }),
        { notFound }
      )
    )
  }

  async updateResources(id: string, resources: ContainerResources): Promise<void> {
    const { engine } = this.#parts
    await engine.call(
      "change the container's resources",
      (abortSignal) =>
        engine.docker
          .getContainer(id)
          .update({ ...engineResources(resources), abortSignal }) as Promise<unknown>,
      { notFound }
    )
  }

  async list(): Promise<{ sandboxes: Sandbox[]; containers: ContainerState[] }> {
    const { engine, sandboxes } = this.#parts
    const all = await listOwn(engine, this.#options.cluster)
    const members = all.filter((answer) => answer.Labels[label.kind] === 'container')
    const states = await Promise.all(
      members.map(async ({ Id }) => {
        try {
          return await this.inspectContainer(Id)
        } catch (error) {
          if (isMkError(error, 'MK_CONTAINER_NOT_FOUND')) return undefined
          throw error
        }
      })
    )
    const containers = states.filter((state) => state !== undefined)
    for (const { id, sandboxId } of containers) this.#sandboxOf.set(id, sandboxId)
    return { sandboxes: await sandboxes.adopt(all.filter(isSandbox)), containers }
  }

  subscribe(listener: RuntimeListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  exec(id: string, options: ExecOptions): Promise<ExecSession> {
    return execSession(this.#parts.engine, this.#clock, id, options)
  }

  execSync(id: string, options: { command: readonly string[]; timeoutMs: number }) {
    return this.#parts.commands.run(id, options)
  }

  attach(id: string, options: { stdin: boolean; tty: boolean }): Promise<ExecSession> {
    return attachSession(this.#parts.engine, id, options)
  }

  logs(id: string, options: LogOptions): Promise<LogStream> {
    return containerLogs(this.#parts.engine, id, options)
  }

  stats(id: string): Promise<ContainerStats> {
    return containerStats(this.#parts.engine, id)
  }

  async dial(sandboxId: string, port: number): Promise<Duplex> {
    const { agent, sandboxes, engine } = this.#parts
    const record = sandboxes.get(sandboxId)
    if (record?.sharing.hostNetwork && engine.local) return await dialHost(port)
    try {
      return await agent.dial(await sandboxes.pid(sandboxId), port)
    } catch (error) {
      if (!isMkError(error, 'MK_AGENT_FAILED')) throw error
      throw new MkError('MK_ENGINE_FAILED', error.message, { cause: error })
    }
  }

  get #parts(): Parts {
    if (!this.#started)
      throw new MkError('MK_ENGINE_UNREACHABLE', 'the container runtime has not been started')
    return this.#started
  }

  #onEvent(event: EngineEvent, parts: Pick<Parts, 'sandboxes' | 'commands' | 'pool'>): void {
    const { type, id, labels } = event
    const kind = labels[label.kind]
    const sandbox = kind === 'sandbox' || kind === 'warm'
    if (!sandbox && kind !== 'container') return
    const podUid =
      labels[label.podUid] ?? parts.sandboxes.get(id)?.pod?.podUid ?? parseSandboxName(event.name)?.podUid
    if (!sandbox) parts.commands.forget(id)
    else if (type === 'exited') parts.sandboxes.stopped(id)
    else if (type === 'removed') parts.sandboxes.forget(id)
    if (sandbox && type !== 'started') parts.pool.drop((record) => record.id === id)
    if (type === 'removed') this.#sandboxOf.delete(id)
    if (podUid === undefined) return // a warm one
    for (const listener of this.#listeners) listener.onContainer({ type, id, podUid, sandbox })
  }
}

export const createDockerRuntime = (options: DockerRuntimeOptions): Runtime => new DockerRuntime(options)
