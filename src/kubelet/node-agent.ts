import { createHash } from 'node:crypto'
import { readFile, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { leases } from '../api/kinds/leases.js'
import { namespaces } from '../api/kinds/namespaces.js'
import { nodes } from '../api/kinds/nodes.js'
import type { Node, NodeStatus } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import { toMicroTime } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { isReason } from '../base/status.js'
import type { Client } from '../client/client.js'
import { retryOnConflict } from '../client/retry.js'
import type { ImageState, Runtime, RuntimeInfo } from '../runtime/runtime.js'
import type { KubeletTiming } from './pod-view.js'
import { nodeStatus } from './node-status.js'

export interface NodeAgentOptions {
  nodeName: string
  client: Client
  runtime: Runtime
  clock: Clock
  logger: Logger
  timing: KubeletTiming
  kubeletVersion: string
  labels: Readonly<Record<string, string>>
  stateDir: string
  capacity: Readonly<Record<string, string>>
  hostIp: () => string
}

const leaseNamespace = 'kube-node-lease'
const leaseDurationSeconds = 40
// Asking the engine how it is: every third heartbeat.
const checkEvery = 3

/** Keeps the Node object and its heartbeat Lease. */
export class NodeAgent {
  readonly #options: NodeAgentOptions
  #info: RuntimeInfo | undefined
  #images: readonly ImageState[] = []
  #trouble: string | undefined
  #node: Node | undefined
  #ids = { machineId: '', bootId: '' }
  #diskBytes = 0
  #beats = 0
  #cancel: () => void = () => {}
  #isStopped = false
  #check: Promise<void> | undefined

  constructor(options: NodeAgentOptions) {
    this.#options = options
  }

  /** The Node as last read or written. */
  get node(): Node | undefined {
    return this.#node
  }

  get info(): RuntimeInfo | undefined {
    return this.#info
  }

  /** Registers the node and makes it Ready. @throws MkError if the engine does not answer, StatusError */
  async start(): Promise<void> {
    this.#info = await this.#options.runtime.info()
    this.#images = await this.#options.runtime.images.list()
    this.#ids = await machineIds(this.#options.nodeName)
    this.#diskBytes = await diskBytesOf(this.#options.stateDir)
    await this.#writeStatus()
    await this.#renewLease()
    this.#schedule()
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  /** Looks at the engine now; the node is NotReady while it does not answer. */
  checkEngine(): Promise<void> {
    this.#check ??= this.#checkOnce().finally(() => {
      this.#check = undefined
    })
    return this.#check
  }

  async #checkOnce(): Promise<void> {
    const { runtime, logger } = this.#options
    try {
      this.#info = await runtime.info()
      this.#images = await runtime.images.list()
      this.#trouble = undefined
    } catch (error) {
      this.#trouble = messageOf(error)
      logger.warn('the engine does not answer', { error })
    }
    if (!this.#isStopped) await this.#writeStatus()
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(this.#options.timing.heartbeatMs, () => {
      void this.#beat().finally(() => {
        if (!this.#isStopped) this.#schedule()
      })
    })
  }

  async #beat(): Promise<void> {
    this.#beats++
    try {
      await this.#renewLease()
      if (this.#beats % checkEvery === 0 || this.#trouble !== undefined) await this.checkEngine()
    } catch (error) {
      this.#options.logger.warn('heartbeat failed', { error })
    }
  }

  /** Makes the Node if it is missing; else changes only what is the kubelet's own. */
  async #writeStatus(): Promise<void> {
    const { client, clock } = this.#options
    const resource = client.of(nodes)
    await retryOnConflict(clock, async () => {
      const node = await this.#getOrCreate()
      const status = this.#status(node)
      this.#node = isSame(status, node.status) ? node : await resource.updateStatus({ ...node, status })
    })
  }

  #status(node: Node): NodeStatus {
    const { nodeName, hostIp, kubeletVersion, capacity, clock } = this.#options
    if (!this.#info) return node.status ?? {}
    const facts = {
      nodeName,
      hostIp: hostIp(),
      kubeletVersion,
      info: this.#info,
      capacity,
      ...this.#ids,
      diskBytes: this.#diskBytes,
      images: this.#images,
      trouble: this.#trouble
    }
    return nodeStatus(node, facts, clock.now())
  }

  async #getOrCreate(): Promise<Node> {
    const { client, nodeName } = this.#options
    const resource = client.of(nodes)
    const labels = this.#labels()
    try {
      const node = await resource.get({ name: nodeName })
      const current = node.metadata.labels ?? {}
      if (Object.entries(labels).every(([key, value]) => current[key] === value)) return node
      return await resource.update({
        ...node,
        metadata: { ...node.metadata, labels: { ...current, ...labels } }
      })
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
      return resource.create({ metadata: { name: nodeName, labels }, spec: {} })
    }
  }

  #labels(): Record<string, string> {
    const { nodeName, labels } = this.#options
    const arch = this.#info?.architecture ?? ''
    return {
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': arch,
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': arch,
      ...labels
    }
  }

  async #renewLease(): Promise<void> {
    const { client, clock, nodeName } = this.#options
    const resource = client.of(leases)
    const renewTime = toMicroTime(clock.now())
    const owner = this.#node
    const ownerReferences = owner
      ? [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner.metadata.uid }]
      : []
    const key = { namespace: leaseNamespace, name: nodeName }
    try {
      await resource.patch(key, 'merge', { metadata: { ownerReferences }, spec: { renewTime } })
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
      await this.#createLease(renewTime, ownerReferences)
    }
  }

  async #createLease(
    renewTime: string,
    ownerReferences: { apiVersion: string; kind: string; name: string; uid: string }[]
  ): Promise<void> {
    const { client, nodeName } = this.#options
    const create = () =>
      client.of(leases).create({
        metadata: { namespace: leaseNamespace, name: nodeName, ownerReferences },
        spec: { holderIdentity: nodeName, leaseDurationSeconds, renewTime }
      })
    try {
      await create()
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
      // A new cluster may not have made its namespaces yet.
      await client
        .of(namespaces)
        .create({ metadata: { name: leaseNamespace }, spec: {} })
        .catch((failure: unknown) => {
          if (!isReason(failure, 'AlreadyExists')) throw failure
        })
      await create()
    }
  }
}

/** Ids of the machine; a virtual node gets one of its own from them. */
async function machineIds(nodeName: string): Promise<{ machineId: string; bootId: string }> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const [machine, boot] = await Promise.all([
    read('/etc/machine-id'),
    read('/proc/sys/kernel/random/boot_id')
  ])
  const machineId = createHash('sha256').update(`${machine.trim()}/${nodeName}`).digest('hex').slice(0, 32)
  return { machineId, bootId: boot.trim() }
}

const isSame = (a: unknown, b: unknown): boolean =>
  isDeepStrictEqual(
    JSON.parse(JSON.stringify(a)),
    b === undefined ? undefined : JSON.parse(JSON.stringify(b))
  )

/** Size of the disk that a directory is on, or will be once it is made. */
async function diskBytesOf(directory: string): Promise<number> {
  try {
    const { blocks, bsize } = await statfs(directory)
    return blocks * bsize
  } catch (error) {
    const parent = dirname(directory)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === directory) throw error
    return diskBytesOf(parent)
  }
}
