import { existsSync } from 'node:fs'
import type Docker from 'dockerode'
import type { Clock } from '../../base/clock.js'
import { isMkError, messageOf, MkError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { AddressPool } from '../address-pool.js'
import type { PodLabels, Sandbox, SandboxSpec } from '../runtime.js'
import { agentErrno, type Agent } from './agent.js'
import type { Engine } from './engine.js'
import { statusOf } from './engine-errors.js'
import { label, parseSandboxName, readPodLabels, sandboxName } from './labels.js'
import { createContainer, removeContainer, startTimeoutMs } from './container-lifecycle.js'
import { engineAddresses, type PodNetwork } from './pod-network.js'
import {
  noSharing,
  readSharing,
  sandboxConfig,
  sharingOf,
  warmSandboxConfig,
  type SandboxMode,
  type Sharing
} from './sandbox-config.js'
import { SandboxDirectories } from './sandbox-directories.js'

const readyTimeoutMs = 10_000
const notFound = 'MK_CONTAINER_NOT_FOUND' as const

/** A sandbox as the runtime knows it: enough to address it without asking the engine. */
export interface SandboxRecord {
  readonly id: string
  readonly ip: string
  readonly createdAt: Date
  readonly sharing: Sharing
  /** Its directory, for one that came from the warm pool. */
  readonly directory?: string
  /** Undefined while it is warm. */
  pod?: PodLabels
  /** Host name that its members must be given at their start; undefined when the engine does so. */
  lateHostname?: string
  pid?: number
  running: boolean
  readonly prepared: Set<Prepare>
}

type Prepare = (sandboxId: string) => Promise<void>

export interface SandboxesOptions {
  engine: Engine
  agent: Agent
  cluster: string
  network: PodNetwork
  image: string
  stateDir: string
  clock: Clock
  logger: Logger
  mode: 'auto' | SandboxMode
  /** Addresses that only those get who prefer them. */
  heldIps: readonly string[]
}

/** Makes, hands out, finds again and removes pod sandboxes; owns the pod addresses. */
export class Sandboxes {
  readonly #options: SandboxesOptions
  readonly #addresses: AddressPool
  readonly #directories: SandboxDirectories
  readonly #records = new Map<string, SandboxRecord>()
  readonly #prepares: Prepare[] = []
  #mode: SandboxMode | undefined

  constructor(options: SandboxesOptions) {
    this.#options = options
    this.#addresses = new AddressPool({ cidr: options.network.cidr, skip: engineAddresses })
    this.#addresses.hold(options.heldIps)
    this.#directories = new SandboxDirectories(options.stateDir)
    if (options.mode !== 'auto') this.#mode = options.mode
    // Other user namespaces can't join one that pause made in the host's.
    else if (options.engine.securityOptions.some((o) => /name=(userns|rootless)/.test(o)))
      this.#mode = 'docker-network'
  }

  /** Self-plumbed unless told, or found, otherwise. */
  get mode(): SandboxMode {
    return this.#mode ?? 'self-plumbed'
  }

  ids(): string[] {
    return [...this.#records.values()].filter((r) => r.running && !r.sharing.hostNetwork).map((r) => r.id)
  }

  warmIds(): string[] {
    return [...this.#records.values()].filter((r) => !r.pod).map((r) => r.id)
  }

  get(id: string): Readonly<SandboxRecord> | undefined {
    return this.#records.get(id)
  }

  addPrepare(prepare: Prepare): void {
    this.#prepares.push(prepare)
  }

  /** The process that holds the sandbox, as the engine's host sees it. */
  async pid(id: string): Promise<number> {
    const record = this.#records.get(id)
    if (record?.pid !== undefined) return record.pid
    const { engine } = this.#options
    const { State } = await engine.call(
      'inspect the sandbox',
      (abortSignal) => engine.docker.getContainer(id).inspect({ abortSignal }),
      { notFound }
    )
    if (!State.Running) throw new MkError(notFound, `the sandbox ${id.slice(0, 12)} does not run`)
    if (record) record.pid = State.Pid
    return State.Pid
  }

  async create(spec: SandboxSpec, warm: SandboxRecord | undefined): Promise<Sandbox> {
    if (warm) {
      const sandbox = await this.#assign(warm, spec)
      if (sandbox) return sandbox
    }
    const record = await this.#createCold(spec)
    await this.#prepare(record)
    return this.#sandbox(record)
  }

  /** Whether a warm sandbox will do: all that differs from it can be set later. */
  fitsWarm(spec: SandboxSpec): boolean {
    return (
      this.mode === 'self-plumbed' &&
      !spec.hostNetwork &&
      !spec.hostPid &&
      !spec.hostIpc &&
      !spec.shareProcessNamespace &&
      Object.keys(spec.sysctls).length === 0 &&
      (spec.tmpfsVolumes ?? []).length === 0 &&
      spec.preferredIp === undefined
    )
  }

  async createWarm(): Promise<SandboxRecord> {
    const { directory, files } = await this.#directories.create()
    const record = await this.#launch((ip) => ({
      request: warmSandboxConfig({ ...this.#shape(ip), files, directory }),
      sharing: noSharing,
      directory
    })).catch(async (error: unknown) => {
      await this.#directories.remove(directory)
      throw error
    })
    await this.#prepare(record)
    return record
  }

  async remove(id: string): Promise<void> {
    const { engine, agent } = this.#options
    const record = this.#records.get(id)
    // Before the process goes: the agent's socket would keep the namespace, and so the veth, alive.
    if (record?.pid !== undefined) await agent.forget(record.pid).catch(() => undefined)
    await removeContainer(engine, id)
    this.forget(id)
  }

  /** The engine no longer has it. */
  forget(id: string): void {
    const record = this.#records.get(id)
    if (!record) return
    this.#records.delete(id)
    if (record.ip) this.#addresses.release(record.ip)
    if (record.directory !== undefined) void this.#directories.remove(record.directory).catch(() => undefined)
  }

  /** Its process has ended; what it held is let go of. */
  stopped(id: string): void {
    const record = this.#records.get(id)
    if (!record) return
    record.running = false
    if (record.pid !== undefined) void this.#options.agent.forget(record.pid).catch(() => undefined)
    delete record.pid
  }

  /** Takes over what an earlier daemon left, from the engine's list. Warm ones are for the caller to remove. */
  async adopt(answers: readonly Docker.ContainerInfo[]): Promise<Sandbox[]> {
    const found: Sandbox[] = []
    for (const answer of answers) {
      const known = this.#records.get(answer.Id)
      if (known) {
        known.running = answer.State === 'running'
        if (known.pod) found.push(this.#sandbox(known))
        continue
      }
      const record = await this.#recordOf(answer)
      if (!record) continue
      this.#records.set(record.id, record)
      if (record.ip) this.#addresses.reserve(record.ip)
      if (record.pod) found.push(this.#sandbox(record))
    }
    return found
  }

  async #recordOf(answer: Docker.ContainerInfo): Promise<SandboxRecord | undefined> {
    const labels = answer.Labels
    const kind = labels[label.kind]
    if (kind !== 'sandbox' && kind !== 'warm') return undefined
    const pod = kind === 'sandbox' ? readPodLabels(labels) : parseSandboxName(answer.Names[0] ?? '')
    const directory = labels[label.directory]
    const lateHostname =
      kind === 'warm' && pod && directory !== undefined
        ? await this.#directories.hostname(directory)
        : undefined
    return {
      id: answer.Id,
      ip: labels[label.ip] ?? '',
      createdAt: new Date(answer.Created * 1000),
      sharing: readSharing(labels),
      running: answer.State === 'running',
      prepared: new Set(),
      ...(directory === undefined ? {} : { directory }),
      ...(pod ? { pod } : {}),
      ...(lateHostname === undefined ? {} : { lateHostname })
    }
  }

  #shape(ip: string) {
    const { cluster, image, network, agent } = this.#options
    return { cluster, image, network, mode: this.mode, ip, oomScoreFloor: agent.oomScoreFloor }
  }

  async #createCold(spec: SandboxSpec): Promise<SandboxRecord> {
    const present = (path: string) => path !== '' && (!this.#options.engine.local || existsSync(path))
    const files = {
      ...(present(spec.resolvConfPath) ? { resolvConf: spec.resolvConfPath } : {}),
      ...(present(spec.hostsPath) ? { hosts: spec.hostsPath } : {})
    }
    const { podNamespace, podName, podUid, node } = spec
    return await this.#launch(
      (ip) => ({
        request: sandboxConfig(spec, { ...this.#shape(ip), files }),
        sharing: sharingOf(spec),
        pod: { podNamespace, podName, podUid, node }
      }),
      spec
    )
  }

  /** Creates and starts a sandbox, with an address, and waits until it is plumbed. */
  async #launch(
    draft: (ip: string) => {
      request: Docker.ContainerCreateOptions
      sharing: Sharing
      directory?: string
      pod?: PodLabels
    },
    spec?: SandboxSpec
  ): Promise<SandboxRecord> {
    const ip = spec?.hostNetwork ? '' : this.#addresses.allocate(spec?.preferredIp)
    let id: string | undefined
    try {
      const { request, ...rest } = draft(ip)
      const createdAt = this.#options.clock.now()
      id = await createContainer(this.#options.engine, request)
      const pid = await this.#start(id)
      const record: SandboxRecord = { id, ip, createdAt, ...rest, pid, running: true, prepared: new Set() }
      this.#records.set(id, record)
      if (ip) this.#mode ??= this.mode
      return record
    } catch (error) {
      if (id !== undefined) await removeContainer(this.#options.engine, id).catch(() => undefined)
      if (ip) this.#addresses.release(ip)
      if (this.#shouldFallBack(error, ip)) return await this.#launch(draft, spec)
      throw error
    }
  }

  /** The first sandbox of all decides, unless a mode was asked for: an engine that can't do one gets the other. */
  #shouldFallBack(error: unknown, ip: string): boolean {
    if (this.#mode !== undefined || ip === '' || !isMkError(error, 'MK_AGENT_FAILED', 'MK_ENGINE_FAILED'))
      return false
    this.#mode = 'docker-network'
    this.#options.logger.warn(
      "sandboxes can't plumb themselves on this engine; using its own networks, which is slower",
      { error }
    )
    return true
  }

  async #start(id: string): Promise<number> {
    const { engine, agent } = this.#options
    const container = engine.docker.getContainer(id)
    await engine.heavy.run(() =>
      engine.call('start the sandbox', (abortSignal) => container.start({ abortSignal }), {
        timeoutMs: startTimeoutMs
      })
    )
    const { State } = await engine.call('inspect the sandbox', (abortSignal) =>
      container.inspect({ abortSignal })
    )
    try {
      if (!State.Running) throw new MkError('MK_AGENT_FAILED', 'it ended at once')
      await agent.waitReady(State.Pid, readyTimeoutMs)
    } catch (error) {
      // ESRCH (3): its process has gone, and has said why.
      if (State.Running && agentErrno(error) !== 3) throw error
      const output = await engine
        .call("read the sandbox's output", () => container.logs({ stdout: true, stderr: true }))
        .catch(() => undefined)
      const words = Buffer.isBuffer(output) ? output.subarray(8).toString().trim() : messageOf(error)
      throw new MkError('MK_AGENT_FAILED', `the sandbox could not set up its network: ${words}`, {
        cause: error
      })
    }
    return State.Pid
  }

  async #prepare(record: SandboxRecord): Promise<void> {
    if (record.sharing.hostNetwork) return
    for (const prepare of this.#prepares) {
      if (record.prepared.has(prepare)) continue
      await prepare(record.id)
      record.prepared.add(prepare)
    }
  }

  /** Gives a warm sandbox to a pod; undefined if it is not to be had (it died meanwhile). */
  async #assign(record: SandboxRecord, spec: SandboxSpec): Promise<Sandbox | undefined> {
    const { engine, cluster, logger } = this.#options
    const { podNamespace, podName, podUid, node } = spec
    const pod = { podNamespace, podName, podUid, node }
    try {
      // The files first: whatever a crash leaves with a pod's name is complete.
      await this.#directories.fill(record.directory ?? '', spec)
      await engine.call(
        'name the sandbox',
        () =>
          engine.docker
            .getContainer(record.id)
            .rename({ name: sandboxName(cluster, pod) }) as Promise<unknown>,
        { notFound }
      )
      await this.#prepare(record)
    } catch (error) {
      logger.warn('a warm sandbox could not be handed out', { error })
      await this.remove(record.id).catch(() => undefined)
      if (isMkError(error, 'MK_CONTAINER_NOT_FOUND') || statusOf(error) === 409) return undefined
      throw error
    }
    record.pod = pod
    record.lateHostname = spec.hostname
    return this.#sandbox(record)
  }

  #sandbox(record: SandboxRecord): Sandbox {
    const none: PodLabels = { podNamespace: '', podName: '', podUid: '', node: '' }
    const { id, ip, createdAt, running } = record
    return { id, ...(record.pod ?? none), state: running ? 'ready' : 'stopped', ip, createdAt }
  }
}
