import { formatIpv4, parseCidr } from '../../base/ip.js'
import type { RuntimeNetwork } from '../runtime.js'

/** A network that records what was programmed and applies nothing. */
export class SimulatedNetwork implements RuntimeNetwork {
  readonly podCidr: string
  readonly gateway: string
  readonly sandboxIds: () => readonly string[]
  /** For tests: every batch that was applied. */
  readonly applied: { sandboxIds: readonly string[]; batch: Buffer }[] = []
  readonly #prepare: ((sandboxId: string) => Promise<void>)[] = []

  constructor(podCidr: string, sandboxIds: () => readonly string[]) {
    this.podCidr = podCidr
    this.gateway = formatIpv4((parseCidr(podCidr)?.base ?? 0) + 1)
    this.sandboxIds = sandboxIds
  }

  applyNetfilter(
    sandboxIds: readonly string[],
    batch: Buffer
  ): Promise<{ sandboxId: string; error: string }[]> {
    this.applied.push({ sandboxIds, batch })
    const known = new Set([...this.sandboxIds(), 'host-pool'])
    return Promise.resolve(
      sandboxIds.filter((id) => !known.has(id)).map((sandboxId) => ({ sandboxId, error: 'no such sandbox' }))
    )
  }

  applyConntrack(): Promise<void> {
    return Promise.resolve()
  }

  onSandbox(prepare: (sandboxId: string) => Promise<void>): void {
    this.#prepare.push(prepare)
  }

  async prepare(sandboxId: string): Promise<void> {
    for (const prepare of this.#prepare) await prepare(sandboxId)
  }
}
