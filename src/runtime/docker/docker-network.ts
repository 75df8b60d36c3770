import { messageOf, MkError } from '../../base/errors.js'
import type { RuntimeNetwork } from '../runtime.js'
import type { Agent } from './agent.js'
import type { PodNetwork } from './pod-network.js'
import type { Sandboxes } from './sandboxes.js'

/** Stands for all warm sandboxes. */
const pool = 'host-pool'

interface Parts {
  network: PodNetwork
  sandboxes: Sandboxes
  agent: Agent
}

/** Programs the network namespaces of sandboxes through the agent. Preparations may be registered before it starts. */
export class DockerNetwork implements RuntimeNetwork {
  readonly #prepares: ((sandboxId: string) => Promise<void>)[] = []
  #parts: Parts | undefined

  /** Called by the runtime's start. */
  connect(parts: Parts): void {
    this.#parts = parts
    for (const prepare of this.#prepares) parts.sandboxes.addPrepare(prepare)
  }

  get podCidr(): string {
    return this.#started.network.cidr
  }
  get gateway(): string {
    return this.#started.network.gateway
  }

  async applyNetfilter(
    sandboxIds: readonly string[],
    batch: Buffer
  ): Promise<{ sandboxId: string; error: string }[]> {
    const { idOf, failed } = await this.#resolve(sandboxIds)
    if (idOf.size === 0) return failed
    const failures = await this.#started.agent.netlink([...idOf.keys()], batch)
    for (const { pid, sequence, message } of failures) {
      const sandboxId = idOf.get(pid) ?? ''
      // A batch has many errors when it has one; the first says what is wrong.
      if (failed.some((failure) => failure.sandboxId === sandboxId)) continue
      failed.push({ sandboxId, error: sequence === 0 ? message : `message ${String(sequence)}: ${message}` })
    }
    return failed
  }

  async applyConntrack(sandboxIds: readonly string[], batch: Buffer): Promise<void> {
    const { idOf } = await this.#resolve(sandboxIds)
    // Entries that are not there (ENOENT) are what deleting wants; a sandbox that went away has none.
    if (idOf.size > 0) await this.#started.agent.netlink([...idOf.keys()], batch)
  }

  onSandbox(prepare: (sandboxId: string) => Promise<void>): void {
    this.#prepares.push(prepare)
    this.#parts?.sandboxes.addPrepare(prepare)
  }

  sandboxIds(): readonly string[] {
    return this.#started.sandboxes.ids()
  }

  get #started(): Parts {
    if (!this.#parts)
      throw new MkError('MK_UNSUPPORTED', 'the pod network is known after the runtime has started')
    return this.#parts
  }

  async #resolve(sandboxIds: readonly string[]) {
    const { sandboxes } = this.#started
    const ids = new Set(sandboxIds.flatMap((id) => (id === pool ? sandboxes.warmIds() : [id])))
    const idOf = new Map<number, string>()
    const failed: { sandboxId: string; error: string }[] = []
    await Promise.all(
      [...ids].map(async (id) => {
        try {
          idOf.set(await sandboxes.pid(id), id)
        } catch (error) {
          failed.push({ sandboxId: id, error: messageOf(error) })
        }
      })
    )
    return { idOf, failed }
  }
}
