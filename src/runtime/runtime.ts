import type { Duplex, Readable, Writable } from 'node:stream'

/**
 * The container runtime contract (CRI's role). Implementations: docker/ (the only place that knows dockerode) and
 * simulated/ (no containers). Failures are MkErrors: MK_IMAGE_NOT_FOUND, MK_CONTAINER_NOT_FOUND, MK_ENGINE_*.
 * Every operation has a time limit of its own; an engine that hangs gives MK_ENGINE_TIMEOUT.
 */
export interface Runtime {
  readonly name: 'docker' | 'simulated'
  info(): Promise<RuntimeInfo>
  readonly images: Images
  readonly network: RuntimeNetwork
  readonly volumes: RuntimeVolumes

  /**
   * Makes a pod sandbox: its network namespace with address and routes, shared IPC and host name, kept by a pause
   * process. Taken from the warm pool when the spec allows.
   */
  createSandbox(spec: SandboxSpec): Promise<Sandbox>
  /** Removes the sandbox and gives its address back. Containers in it must be gone. No error if it is missing. */
  removeSandbox(id: string): Promise<void>

  createContainer(spec: ContainerSpec): Promise<string>
  /** A failure to start (missing binary, bad mount) is MK_ENGINE_FAILED with the engine's words in the message. */
  startContainer(id: string): Promise<void>
  /** Sends the stop signal, waits up to graceSeconds, then KILL. Resolves when it has stopped. */
  stopContainer(id: string, options: { graceSeconds: number; signal?: string }): Promise<void>
  removeContainer(id: string): Promise<void>
  inspectContainer(id: string): Promise<ContainerState>
  /** cgroup limits of a running container, changed live. */
  updateResources(id: string, resources: ContainerResources): Promise<void>

  /** All that carries this cluster's labels, running or not: what a new daemon adopts. */
  list(): Promise<{ sandboxes: Sandbox[]; containers: ContainerState[] }>
  /** Container and sandbox changes. After a lost connection `onResync` asks the listener to call list() again. */
  subscribe(listener: RuntimeListener): () => void

  /** Runs a command in a container; the returned session carries its streams. */
  exec(id: string, options: ExecOptions): Promise<ExecSession>
  /** Runs a short command without streams (probes, hooks): cheap, through the agent where possible. */
  execSync(
    id: string,
    options: { command: readonly string[]; timeoutMs: number }
  ): Promise<{ exitCode: number; output: string; timedOut: boolean }>
  attach(id: string, options: { stdin: boolean; tty: boolean }): Promise<ExecSession>
  logs(id: string, options: LogOptions): Promise<LogStream>
  stats(id: string): Promise<ContainerStats>
  /** Connects to a TCP port inside the sandbox's own network namespace, its loopback included (port-forward). */
  dial(sandboxId: string, port: number): Promise<Duplex>

  /**
   * Starts what the runtime needs on the engine (bridge network, agent, own image); idempotent. `heldIps` are addresses
   * of pods that will be started again: they are given only to sandboxes that prefer them.
   */
  start(options?: { heldIps?: readonly string[] }): Promise<void>
  /** Stops helpers and the warm pool; pods stay. */
  stop(): Promise<void>
  /** Removes everything of this cluster from the engine: containers, network, volumes. */
  destroy(): Promise<void>
}

export interface RuntimeInfo {
  engine: string
  engineVersion: string
  operatingSystem: string
  osImage: string
  kernelVersion: string
  architecture: string
  cpus: number
  memoryBytes: number
  cgroupVersion: '1' | '2'
}

/** Labels that mk puts on each container; adoption reads nothing else. */
export interface PodLabels {
  podNamespace: string
  podName: string
  podUid: string
  /** The virtual node that runs the pod. */
  node: string
}

export interface SandboxSpec extends PodLabels {
  hostname: string
  /**
   * Host paths of /etc/resolv.conf and /etc/hosts, written by the kubelet: what a container of the sandbox sees unless
   * it has a mount of its own there. A warm sandbox takes their content as it is now, so what changes later (the pod's
   * own address in /etc/hosts) needs such a mount in each container.
   */
  resolvConfPath: string
  hostsPath: string
  hostNetwork: boolean
  hostPid: boolean
  hostIpc: boolean
  shareProcessNamespace: boolean
  sysctls: Readonly<Record<string, string>>
  /** The address that the pod had before its sandbox was lost (mk down, reboot): taken again when it is free. */
  preferredIp?: string
  /** tmpfs volumes that the sandbox holds, so that they outlive their containers' restarts. */
  tmpfsVolumes?: readonly string[]
  /** Ports of the host to publish to the pod. A runtime that can't publish refuses with MK_UNSUPPORTED. */
  hostPorts: readonly { hostIp: string; hostPort: number; containerPort: number; protocol: 'TCP' | 'UDP' }[]
}

export interface Sandbox extends PodLabels {
  id: string
  state: 'ready' | 'stopped'
  /** Empty for host network. */
  ip: string
  createdAt: Date
}

export interface ContainerResources {
  /** Milli-CPU. */
  cpuRequest?: number
  cpuLimit?: number
  memoryLimitBytes?: number
  pidsLimit?: number
}

export interface Mount {
  /** bind: a host path; volume: an engine volume's name; tmpfs: none. */
  type: 'bind' | 'volume' | 'tmpfs'
  source: string
  target: string
  readOnly: boolean
  propagation?: 'private' | 'rslave' | 'rshared'
  tmpfs?: { sizeBytes?: number; mode?: number }
}

export interface ContainerSpec extends PodLabels {
  sandboxId: string
  /** The container's name in the pod. */
  containerName: string
  kind: 'init' | 'app' | 'ephemeral'
  /** 0 for the first; each restart is a new container. */
  attempt: number
  /** Hash of the container's spec, to notice changes. */
  specHash: string
  /** Free-form: what the kubelet must find again after a crash (e.g. termination message path, grace period). */
  annotations: Readonly<Record<string, string>>
  image: string
  /** Entrypoint; undefined: the image's. When given without args, the image's Cmd is dropped. */
  command?: readonly string[]
  args?: readonly string[]
  env: readonly { name: string; value: string }[]
  workingDir?: string
  /** `uid[:gid]` */
  user?: string
  supplementalGroups: readonly number[]
  mounts: readonly Mount[]
  resources: ContainerResources
  oomScoreAdj: number
  tty: boolean
  stdin: boolean
  stdinOnce: boolean
  capabilitiesAdd: readonly string[]
  capabilitiesDrop: readonly string[]
  privileged: boolean
  readOnlyRootFilesystem: boolean
  noNewPrivileges: boolean
  seccompProfile?: string
  stopSignal?: string
  runtimeHandler?: string
}

export interface ContainerState extends PodLabels {
  id: string
  sandboxId: string
  containerName: string
  kind: 'init' | 'app' | 'ephemeral'
  attempt: number
  specHash: string
  annotations: Readonly<Record<string, string>>
  state: 'created' | 'running' | 'exited'
  /** As asked for, and the engine's `sha256:…` id. */
  image: string
  imageId: string
  createdAt: Date
  startedAt?: Date
  finishedAt?: Date
  exitCode?: number
  oomKilled?: boolean
  /** The engine's own error, e.g. why it could not start. */
  error?: string
}

export interface RuntimeListener {
  onContainer(event: {
    type: 'started' | 'exited' | 'removed'
    id: string
    podUid: string
    sandbox: boolean
  }): void
  onResync(): void
}

export interface ExecOptions {
  command: readonly string[]
  stdin: boolean
  tty: boolean
}

export interface ExecSession {
  stdin: Writable
  stdout: Readable
  /** With a tty all output is on stdout and this stays empty. */
  stderr: Readable
  resize(size: { width: number; height: number }): Promise<void>
  /** Resolves when the process has ended and all output was delivered. */
  exitCode: Promise<number>
  /** Lets go of the session (the client has gone). */
  close(): void
}

export interface LogOptions {
  follow: boolean
  timestamps: boolean
  since?: Date
  tailLines?: number
}

export interface LogStream {
  /** stdout and stderr interleaved in order, demultiplexed. */
  output: Readable
  close(): void
}

export interface ContainerStats {
  time: Date
  cpuUsageNanoseconds: number
  memoryWorkingSetBytes: number
}

export interface ImageState {
  id: string
  tags: string[]
  digests: string[]
  sizeBytes: number
  /** Its config: what the kubelet needs to check runAsNonRoot and to know the entrypoint. */
  user: string
  entrypoint: string[]
  cmd: string[]
  volumes: string[]
}

export interface RegistryAuth {
  username: string
  password: string
  serverAddress: string
}

export interface Images {
  /** undefined if the engine does not have it. */
  inspect(reference: string): Promise<ImageState | undefined>
  list(): Promise<ImageState[]>
  /** Fails with MK_IMAGE_NOT_FOUND or MK_ENGINE_FAILED, message in the engine's words. */
  pull(
    reference: string,
    options: {
      auth?: RegistryAuth
      onProgress?: (progress: { layer: string; currentBytes: number; totalBytes: number }) => void
      signal?: AbortSignal
    }
  ): Promise<ImageState>
  remove(id: string): Promise<void>
}

export interface RuntimeNetwork {
  /** Known after start(). */
  readonly podCidr: string
  /** The host's address on the pod bridge: where pods reach the daemon. */
  readonly gateway: string
  /**
   * Applies a raw nf_tables netlink batch in the network namespaces of these sandboxes, in one go; `'host-pool'` stands
   * for all warm sandboxes not yet handed out. The result has one entry per failed sandbox.
   */
  applyNetfilter(
    sandboxIds: readonly string[],
    batch: Buffer
  ): Promise<{ sandboxId: string; error: string }[]>
  /** Deletes conntrack entries (raw netlink messages), same addressing. */
  applyConntrack(sandboxIds: readonly string[], batch: Buffer): Promise<void>
  /** Called with each sandbox, warm ones included, before it is handed out: the data path is programmed here. */
  onSandbox(prepare: (sandboxId: string) => Promise<void>): void
  /** Every sandbox alive now, warm ones included. */
  sandboxIds(): readonly string[]
}

/** Engine volumes, for what a directory of the daemon can't give. */
export interface RuntimeVolumes {
  /** A tmpfs that all containers of a pod share (emptyDir of medium Memory), mode 0777. Idempotent. */
  createTmpfs(volume: { name: string; podUid: string; sizeBytes?: number }): Promise<void>
  /** No error if it is missing. */
  remove(name: string): Promise<void>
  /** Deletes a host directory with all that containers wrote into it as root: a daemon of a plain user can't. */
  removeDirectory(hostPath: string): Promise<void>
}
