import { Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { MkError } from '../base/errors.js'
import { parseIpv4 } from '../base/ip.js'
import type { Cidr } from '../base/ip.js'
import type { Logger } from '../base/logger.js'
import type { RuntimeNetwork } from '../runtime/runtime.js'
import { forgetConnections } from './nft/conntrack.js'
import { encodeChange, encodeTable, shapeOf } from './nft/service-table.js'
import type { ServiceEntry, TableShape } from './nft/service-table.js'
import { ServiceState } from './services/service-state.js'

export interface ServiceProxyOptions {
  network: RuntimeNetwork
  /** Addresses of Services: what goes there and is no Service is refused inside the pod. */
  serviceCidr: Cidr
  clock: Clock
  logger: Logger
}

/**
 * Keeps the service table of every pod sandbox as wanted (kube-proxy's role; the table is in nft/service-table.ts).
 * Level-triggered: whatever fails in a sandbox is made good by writing its whole table again, with back-off.
 */
export class ServiceProxy {
  readonly #network: RuntimeNetwork
  readonly #cidr: Cidr
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #state = new ServiceState()
  readonly #backoff = new Backoff({ baseMs: 50, maxMs: 10_000 })
  /** Sandboxes that have the table; the value tells whether the runtime has listed them yet. */
  readonly #programmed = new Map<string, boolean>()
  #shape: TableShape = { counts: new Set(), timeouts: new Set() }
  #whole: Buffer | undefined
  #tail: Promise<void> = Promise.resolve()
  #queued = false
  #stopped = false
  #cancelRetry: () => void = () => {}

  constructor(options: ServiceProxyOptions) {
    this.#network = options.network
    this.#cidr = options.serviceCidr
    this.#clock = options.clock
    this.#logger = options.logger.with({ component: 'service-proxy' })
  }

  /** Programs the sandboxes that are alive, and from now on each new one before it is handed out. */
  async start(): Promise<void> {
    this.#network.onSandbox((sandboxId) => this.#prepare(sandboxId))
    await this.#exclusive(() => this.#sync())
  }

  stop(): void {
    this.#stopped = true
    this.#cancelRetry()
  }

  /** What an owner (a Service) wants to be reachable; an empty list takes it away. All calls of one tick go together. */
  set(owner: string, entries: readonly ServiceEntry[]): void {
    this.#state.set(owner, entries)
    this.#schedule()
  }

  /** Resolves when the sandboxes have what was set before; failures are retried later and don't delay it. */
  async flushed(): Promise<void> {
    await this.#exclusive(() => this.#sync())
  }

  #schedule(): void {
    if (this.#queued || this.#stopped) return
    this.#queued = true
    setImmediate(() => {
      this.#queued = false
      void this.#exclusive(() => this.#sync())
    })
  }

  // One change at a time: a batch is right only for the state that it was computed from.
  #exclusive(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work)
    this.#tail = done.catch(() => {})
    return done
  }

  async #prepare(sandboxId: string): Promise<void> {
    await this.#exclusive(async () => {
      await this.#sync()
      if (this.#programmed.has(sandboxId)) return
      const [failure] = await this.#writeWhole([sandboxId])
      if (failure === undefined) return
      throw new MkError(
        'MK_AGENT_FAILED',
        `the services of sandbox ${sandboxId} can't be programmed: ${failure}`
      )
    })
  }

  async #sync(): Promise<void> {
    if (this.#stopped) return
    const alive = new Set(this.#network.sandboxIds())
    this.#forgetGone(alive)
    if (this.#state.isDirty) await this.#writeChange()
    const missing = [...alive].filter((id) => !this.#programmed.has(id))
    const failures = missing.length > 0 ? await this.#writeWhole(missing) : []
    this.#cancelRetry()
    if (failures.length === 0) this.#backoff.reset('')
    else {
      this.#cancelRetry = this.#clock.after(this.#backoff.next(''), () => {
        this.#schedule()
      })
    }
  }

  // A sandbox just prepared may not be listed yet; one that was listed and no longer is has gone.
  #forgetGone(alive: ReadonlySet<string>): void {
    for (const [id, seen] of this.#programmed) {
      if (alive.has(id)) this.#programmed.set(id, true)
      else if (seen) this.#programmed.delete(id)
    }
  }

  async #writeChange(): Promise<void> {
    const { before, after, udpGone } = this.#state.takeChange()
    const shape = shapeOf(after, this.#shape)
    const batch = encodeChange(before, after, this.#shape, shape)
    this.#shape = shape
    if (!batch) return
    this.#whole = undefined
    await this.#apply([...this.#programmed.keys()], batch)
    await this.#forgetConnections(udpGone)
  }

  /** Returns what failed, in words. */
  async #writeWhole(sandboxIds: readonly string[]): Promise<string[]> {
    this.#whole ??= encodeTable(this.#state.table, this.#shape, this.#cidr)
    for (const id of sandboxIds) this.#programmed.set(id, false)
    return this.#apply(sandboxIds, this.#whole)
  }

  async #apply(sandboxIds: readonly string[], batch: Buffer): Promise<string[]> {
    if (sandboxIds.length === 0) return []
    const failures = await this.#network.applyNetfilter(sandboxIds, batch).catch((cause: unknown) => {
      const error = cause instanceof Error ? cause.message : String(cause)
      return sandboxIds.map((sandboxId) => ({ sandboxId, error }))
    })
    const alive = new Set(this.#network.sandboxIds())
    for (const { sandboxId, error } of failures) {
      this.#programmed.delete(sandboxId)
      // A sandbox that was removed in the meantime is no failure.
      if (alive.has(sandboxId)) this.#logger.warn('service table not applied', { sandboxId, error })
    }
    return failures.map(({ error }) => error)
  }

  async #forgetConnections(addresses: readonly string[]): Promise<void> {
    const numbers = addresses.map(parseIpv4).filter((address) => address !== undefined)
    const sandboxIds = [...this.#programmed.keys()]
    if (numbers.length === 0 || sandboxIds.length === 0) return
    try {
      await this.#network.applyConntrack(sandboxIds, forgetConnections(numbers))
    } catch (error) {
      this.#logger.warn('connections to removed UDP endpoints not forgotten', { error })
    }
  }
}
