import { EndpointPicker, endpointKey } from '../listeners/endpoint-picker.js'
import type { Endpoint } from '../nft/service-table.js'
import { modelKey } from '../services/service-model.js'
import type { ServiceModel } from '../services/service-model.js'
import { ConnectionPool } from './connection-pool.js'
import type { ConnectionPoolOptions } from './connection-pool.js'
import type { BackendRef } from './ingress-model.js'

interface BackendPort {
  name: string
  port: number
  endpoints: readonly Endpoint[]
  picker: EndpointPicker
}

/**
 * The Services that Ingresses lead to, with a pool of kept-alive connections per endpoint. When an endpoint goes away
 * its idle connections are closed and what is under way there ends in peace.
 */
export class Backends {
  readonly #services = new Map<string, BackendPort[]>()
  readonly #pools = new Map<string, ConnectionPool>()
  readonly #options: ConnectionPoolOptions

  constructor(options: ConnectionPoolOptions = {}) {
    this.#options = options
  }

  set(model: ServiceModel): void {
    const key = modelKey(model)
    const before = this.#services.get(key) ?? []
    const after = model.ports
      .filter(({ protocol }) => protocol === 'TCP')
      .map(({ name, port, endpoints }) => {
        const picker =
          before.find((old) => old.port === port && old.name === name)?.picker ?? new EndpointPicker()
        picker.update(endpoints)
        return { name, port, endpoints, picker }
      })
    this.#services.set(key, after)
    this.#dropPools(before, after)
  }

  delete(key: string): void {
    this.#dropPools(this.#services.get(key) ?? [], [])
    this.#services.delete(key)
  }

  /** Undefined: no such Service or port. */
  find({ service, port }: BackendRef): EndpointPicker | undefined {
    return this.#services.get(service)?.find((p) => p.port === port || (p.name !== '' && p.name === port))
      ?.picker
  }

  pool(endpoint: Endpoint): ConnectionPool {
    const key = endpointKey(endpoint)
    const pool = this.#pools.get(key) ?? new ConnectionPool(endpoint, this.#options)
    this.#pools.set(key, pool)
    return pool
  }

  async stop(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }

  #dropPools(before: readonly BackendPort[], after: readonly BackendPort[]): void {
    const left = new Set(after.flatMap(({ endpoints }) => endpoints.map(endpointKey)))
    for (const key of before.flatMap(({ endpoints }) => endpoints.map(endpointKey))) {
      const pool = left.has(key) ? undefined : this.#pools.get(key)
      if (!pool) continue
      this.#pools.delete(key)
      pool.close()
    }
  }
}
