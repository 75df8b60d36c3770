import type { Endpoint } from '../nft/service-table.js'

const maxRemembered = 10_000
const quarantineMs = 2000

/**
 * Picks an endpoint for each new connection: in turn, or by client for session affinity. Endpoints that could not be
 * reached are passed over for two seconds, as long as there are others.
 */
export class EndpointPicker {
  #endpoints: readonly Endpoint[] = []
  #affinityMs: number | undefined
  #next = 0
  readonly #chosen = new Map<string, { key: string; until: number }>()
  readonly #unreachable = new Map<string, number>()

  update(endpoints: readonly Endpoint[], affinitySeconds?: number): void {
    this.#endpoints = endpoints
    this.#affinityMs = affinitySeconds === undefined ? undefined : affinitySeconds * 1000
    const live = new Set(endpoints.map(endpointKey))
    for (const key of this.#unreachable.keys()) if (!live.has(key)) this.#unreachable.delete(key)
  }

  /** Undefined: there is none (besides those already tried). */
  pick(client: string, tried?: ReadonlySet<string>): Endpoint | undefined {
    const now = performance.now()
    const left = this.#endpoints.filter((endpoint) => !tried?.has(endpointKey(endpoint)))
    const healthy = left.filter((endpoint) => (this.#unreachable.get(endpointKey(endpoint)) ?? 0) <= now)
    const candidates = healthy.length > 0 ? healthy : left
    if (this.#affinityMs === undefined) return this.#inTurn(candidates)
    const known = this.#chosen.get(client)
    const kept = known && known.until > now ? candidates.find((e) => endpointKey(e) === known.key) : undefined
    const endpoint = kept ?? this.#inTurn(candidates)
    if (endpoint) this.#remember(client, endpoint, now + this.#affinityMs)
    return endpoint
  }

  failed(endpoint: Endpoint): void {
    this.#unreachable.set(endpointKey(endpoint), performance.now() + quarantineMs)
  }

  #inTurn(candidates: readonly Endpoint[]): Endpoint | undefined {
    if (candidates.length === 0) return undefined
    this.#next = (this.#next + 1) % candidates.length
    return candidates[this.#next]
  }

  #remember(client: string, endpoint: Endpoint, until: number): void {
    // The oldest goes: maps keep the order of insertion.
    this.#chosen.delete(client)
    const [oldest] = this.#chosen.keys()
    if (this.#chosen.size >= maxRemembered && oldest !== undefined) this.#chosen.delete(oldest)
    this.#chosen.set(client, { key: endpointKey(endpoint), until })
  }
}

export const endpointKey = ({ ip, port }: Endpoint): string => `${ip}:${String(port)}`
