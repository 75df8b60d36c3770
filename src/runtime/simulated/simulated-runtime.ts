import { PassThrough, Readable, Writable, type Duplex } from 'node:stream'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { Clock } from '../../base/clock.js'
import { MkError } from '../../base/errors.js'
import { AddressPool } from '../address-pool.js'
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
  RuntimeVolumes,
  Sandbox,
  SandboxSpec
} from '../runtime.js'
import { SimulatedContainer, simulatedAnnotations } from './simulated-container.js'
import { SimulatedImages } from './simulated-images.js'
import { SimulatedNetwork } from './simulated-network.js'

export interface SimulatedRuntimeOptions {
  clock: Clock
  /** Range of the pod addresses; default `10.244.0.0/16`. */
  podCidr?: string
  /** References that no registry has: pulling them fails with MK_IMAGE_NOT_FOUND. Default: all exist. */
  missingImages?: readonly string[]
  /** References that must be pulled first. Default: none, every image is there. */
  remoteImages?: readonly string[]
  info?: Partial<RuntimeInfo>
  /** What a command in a container does; default: exit code 0 without output. */
  onExec?: (container: ContainerState, command: readonly string[]) => { exitCode: number; output?: string }
  /** What listens on a pod's port; default: nothing, dial fails. */
  onDial?: (sandbox: Sandbox, port: number) => Duplex | undefined
}

const noContainer = (id: string) => new MkError('MK_CONTAINER_NOT_FOUND', `no such container: ${id}`)

/**
 * The runtime contract without containers: records change state as a real engine's would, and events are delivered
 * after the call that caused them has returned. Containers run until stopped, unless annotations
 * ({@link simulatedAnnotations}) or {@link SimulatedRuntime.exitContainer} end them.
 */
export class SimulatedRuntime implements Runtime {
  readonly name = 'simulated'
  readonly images: SimulatedImages
  readonly network: SimulatedNetwork
  readonly volumes: RuntimeVolumes = {
    createTmpfs: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    removeDirectory: (hostPath) => rm(hostPath, { recursive: true, force: true })
  }
  readonly #options: SimulatedRuntimeOptions
  readonly #clock: Clock
  readonly #addresses: AddressPool
  readonly #sandboxes = new Map<string, Sandbox>()
  readonly #containers = new Map<string, SimulatedContainer>()
  readonly #listeners = new Set<RuntimeListener>()

  constructor(options: SimulatedRuntimeOptions) {
    const podCidr = options.podCidr ?? '10.244.0.0/16'
    this.#options = options
    this.#clock = options.clock
    this.#addresses = new AddressPool({ cidr: podCidr, skip: 256 })
    this.images = new SimulatedImages({
      missing: options.missingImages ?? [],
      remote: options.remoteImages ?? []
    })
    this.network = new SimulatedNetwork(podCidr, () => [...this.#sandboxes.keys()])
  }

  info(): Promise<RuntimeInfo> {
    return Promise.resolve({
      engine: 'simulated',
      engineVersion: '1.0.0',
      operatingSystem: 'linux',
      osImage: 'Simulated',
      kernelVersion: '6.1.0',
      architecture: 'amd64',
      cpus: 8,
      memoryBytes: 32 * 2 ** 30,
      cgroupVersion: '2',
      ...this.#options.info
    })
  }

  async createSandbox(spec: SandboxSpec): Promise<Sandbox> {
    const { podNamespace, podName, podUid, node } = spec
    const sandbox: Sandbox = {
      id: randomBytes(32).toString('hex'),
      podNamespace,
      podName,
      podUid,
      node,
      state: 'ready',
      ip: spec.hostNetwork ? '' : this.#addresses.allocate(spec.preferredIp),
      createdAt: this.#clock.now()
    }
    this.#sandboxes.set(sandbox.id, sandbox)
    await this.network.prepare(sandbox.id)
    this.#emit('started', sandbox.id, podUid, true)
    return { ...sandbox }
  }

  removeSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id)
    if (sandbox) {
      this.#sandboxes.delete(id)
      this.#addresses.release(sandbox.ip)
      this.#emit('removed', id, sandbox.podUid, true)
    }
    return Promise.resolve()
  }

  /** For tests: the sandbox's process dies, and its containers with it. */
  killSandbox(id: string): void {
    const sandbox = this.#sandboxes.get(id)
    if (!sandbox) return
    sandbox.state = 'stopped'
    for (const c of this.#containers.values())
      if (c.state.sandboxId === id) this.exitContainer(c.state.id, 137)
    this.#emit('exited', id, sandbox.podUid, true)
  }

  async createContainer(spec: ContainerSpec): Promise<string> {
    if (!this.#sandboxes.has(spec.sandboxId)) throw noContainer(spec.sandboxId)
    if (!(await this.images.inspect(spec.image))) {
      throw new MkError('MK_IMAGE_NOT_FOUND', `No such image: ${spec.image}`)
    }
    const id = randomBytes(32).toString('hex')
    this.#containers.set(id, new SimulatedContainer(id, spec, this.#clock.now()))
    return id
  }

  startContainer(id: string): Promise<void> {
    const container = this.#get(id)
    if (container.state.state !== 'created') return Promise.resolve()
    const { annotations } = container.spec
    const startError = annotations[simulatedAnnotations.startError]
    if (startError !== undefined) {
      container.exit(this.#clock.now(), 127, { error: startError })
      return Promise.reject(new MkError('MK_ENGINE_FAILED', startError))
    }
    Object.assign(container.state, { state: 'running', startedAt: this.#clock.now() })
    this.#emit('started', id, container.state.podUid, false)
    const runSeconds = annotations[simulatedAnnotations.runSeconds]
    if (runSeconds !== undefined) {
      const exitCode = Number(annotations[simulatedAnnotations.exitCode] ?? 0)
      container.cancelExit = this.#clock.after(Number(runSeconds) * 1000, () => {
        this.exitContainer(id, exitCode)
      })
    }
    return Promise.resolve()
  }

  /** For tests: the container's process ends. */
  exitContainer(id: string, exitCode: number, options: { oomKilled?: boolean } = {}): void {
    const container = this.#containers.get(id)
    if (container?.state.state !== 'running') return
    container.exit(this.#clock.now(), exitCode, options)
    this.#emit('exited', id, container.state.podUid, false)
  }

  /** For tests: the container writes lines to its output. */
  writeLog(id: string, text: string): void {
    this.#get(id).log(this.#clock.now(), text)
  }

  /** For tests: as after a lost connection to the engine. */
  resync(): void {
    for (const listener of this.#listeners) listener.onResync()
  }

  stopContainer(id: string): Promise<void> {
    this.exitContainer(id, 143)
    return Promise.resolve()
  }

  removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id)
    if (container) {
      this.exitContainer(id, 137)
      this.#containers.delete(id)
      this.#emit('removed', id, container.state.podUid, false)
    }
    return Promise.resolve()
  }

  inspectContainer(id: string): Promise<ContainerState> {
    const container = this.#containers.get(id)
    return container ? Promise.resolve(container.snapshot()) : Promise.reject(noContainer(id))
  }

  updateResources(id: string, resources: ContainerResources): Promise<void> {
    Object.assign(this.#get(id).spec.resources, resources)
    return Promise.resolve()
  }

  list(): Promise<{ sandboxes: Sandbox[]; containers: ContainerState[] }> {
    return Promise.resolve({
      sandboxes: [...this.#sandboxes.values()].map((s) => ({ ...s })),
      containers: [...this.#containers.values()].map((c) => c.snapshot())
    })
  }

  subscribe(listener: RuntimeListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  exec(id: string, options: ExecOptions): Promise<ExecSession> {
    const { exitCode, output } = this.#run(id, options.command)
    return Promise.resolve(
      this.#session(Readable.from(output ? [Buffer.from(output)] : []), Promise.resolve(exitCode))
    )
  }

  execSync(
    id: string,
    options: { command: readonly string[] }
  ): Promise<{ exitCode: number; output: string; timedOut: boolean }> {
    const { exitCode, output } = this.#run(id, options.command)
    return Promise.resolve({ exitCode, output: output ?? '', timedOut: false })
  }

  async attach(id: string): Promise<ExecSession> {
    const container = this.#get(id)
    const { output } = await this.logs(id, { follow: true, timestamps: false })
    const ended = new Promise<number>((resolve) => {
      if (container.state.state === 'exited') resolve(container.state.exitCode ?? 0)
      else
        container.waiters.add(() => {
          resolve(container.state.exitCode ?? 0)
        })
    })
    return this.#session(output, ended)
  }

  logs(id: string, options: LogOptions): Promise<LogStream> {
    const container = this.#get(id)
    const { since, tailLines } = options
    const old = container.logLines.filter((line) => !since || line.time >= since)
    const output = new PassThrough()
    const write = (lines: SimulatedContainer['logLines']) => {
      for (const { time, text } of lines) {
        output.write(options.timestamps ? `${time.toISOString()} ${text}\n` : `${text}\n`)
      }
    }
    write(tailLines === undefined ? old : tailLines === 0 ? [] : old.slice(-tailLines))
    let seen = container.logLines.length
    const follow = () => {
      write(container.logLines.slice(seen))
      seen = container.logLines.length
      if (container.state.state === 'exited') close()
    }
    const close = () => {
      container.followers.delete(follow)
      output.end()
    }
    if (options.follow && container.state.state !== 'exited') container.followers.add(follow)
    else close()
    return Promise.resolve({ output, close })
  }

  stats(id: string): Promise<ContainerStats> {
    const { startedAt } = this.#get(id).state
    const now = this.#clock.now()
    const running = startedAt ? now.getTime() - startedAt.getTime() : 0
    return Promise.resolve({
      time: now,
      cpuUsageNanoseconds: running * 1e4,
      memoryWorkingSetBytes: 10 * 2 ** 20
    })
  }

  dial(sandboxId: string, port: number): Promise<Duplex> {
    const sandbox = this.#sandboxes.get(sandboxId)
    if (!sandbox) return Promise.reject(noContainer(sandboxId))
    const stream = this.#options.onDial?.(sandbox, port)
    if (stream) return Promise.resolve(stream)
    return Promise.reject(
      new MkError('MK_ENGINE_FAILED', `dial tcp4 127.0.0.1:${String(port)}: connection refused`)
    )
  }

  start(): Promise<void> {
    return Promise.resolve()
  }
  stop(): Promise<void> {
    return Promise.resolve()
  }

  async destroy(): Promise<void> {
    for (const id of [...this.#containers.keys()]) await this.removeContainer(id)
    for (const id of [...this.#sandboxes.keys()]) await this.removeSandbox(id)
  }

  #get(id: string): SimulatedContainer {
    const container = this.#containers.get(id)
    if (!container) throw noContainer(id)
    return container
  }

  #run(id: string, command: readonly string[]): { exitCode: number; output?: string } {
    const { state } = this.#get(id)
    if (state.state !== 'running') throw new MkError('MK_ENGINE_FAILED', `container ${id} is not running`)
    return this.#options.onExec?.(state, command) ?? { exitCode: 0 }
  }

  #session(stdout: Readable, exitCode: Promise<number>): ExecSession {
    return {
      stdin: new Writable({
        write: (_chunk, _encoding, done) => {
          done()
        }
      }),
      stdout,
      stderr: Readable.from([]),
      resize: () => Promise.resolve(),
      exitCode,
      close: () => {
        stdout.destroy()
      }
    }
  }

  #emit(type: 'started' | 'exited' | 'removed', id: string, podUid: string, sandbox: boolean): void {
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener.onContainer({ type, id, podUid, sandbox })
    })
  }
}

export const createSimulatedRuntime = (options: SimulatedRuntimeOptions): SimulatedRuntime =>
  new SimulatedRuntime(options)
