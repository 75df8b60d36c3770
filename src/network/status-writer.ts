import { ingresses as ingressKind } from '../api/kinds/ingresses.js'
import { services as serviceKind } from '../api/kinds/services.js'
import type { Ingress, LoadBalancerIngress, Service } from '../api/types.js'
import { Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { parseKey } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Client } from '../client/client.js'
import type { Lister } from '../client/informer.js'
import type { BalancerAddress } from './listeners/host-listeners.js'

export interface StatusWriterOptions {
  client: Client
  services: Lister<Service>
  ingresses: Lister<Ingress>
  clock: Clock
  logger: Logger
}

type Target = 'Service' | 'Ingress'

/** Writes status.loadBalancer of Services and Ingresses until it says what it should; failures back off. */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #wanted = new Map<string, LoadBalancerIngress[]>()
  readonly #busy = new Set<string>()
  readonly #again = new Set<string>()
  readonly #backoff = new Backoff({ baseMs: 50, maxMs: 30_000 })
  #stopped = false

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopped = true
  }

  setBalancer(service: string, address: BalancerAddress | undefined): void {
    this.#set('Service', service, address ? [statusOf(address)] : [])
  }

  setIngress(ingress: string, addresses: LoadBalancerIngress[]): void {
    this.#set('Ingress', ingress, addresses)
  }

  /** To be called when the object has changed: someone may have written another status. */
  check(target: Target, key: string): void {
    if (this.#wanted.has(`${target} ${key}`)) void this.#write(target, key)
  }

  forget(target: Target, key: string): void {
    this.#wanted.delete(`${target} ${key}`)
    this.#backoff.reset(`${target} ${key}`)
  }

  #set(target: Target, key: string, addresses: LoadBalancerIngress[]): void {
    this.#wanted.set(`${target} ${key}`, addresses)
    void this.#write(target, key)
  }

  async #write(target: Target, key: string): Promise<void> {
    const id = `${target} ${key}`
    if (this.#busy.has(id)) {
      this.#again.add(id)
      return
    }
    this.#busy.add(id)
    try {
      await this.#writeOnce(target, key)
      this.#backoff.reset(id)
    } catch (error) {
      if (!isReason(error, 'NotFound')) this.#retry(target, key, error)
    } finally {
      this.#busy.delete(id)
    }
    if (this.#again.delete(id)) void this.#write(target, key)
  }

  #retry(target: Target, key: string, error: unknown): void {
    const { clock, logger } = this.#options
    if (this.#stopped) return
    logger.warn('load balancer status not written', { object: `${target} ${key}`, error })
    clock.after(this.#backoff.next(`${target} ${key}`), () => {
      this.check(target, key)
    })
  }

  async #writeOnce(target: Target, key: string): Promise<void> {
    const wanted = this.#wanted.get(`${target} ${key}`)
    const { client, services, ingresses } = this.#options
    const object = target === 'Service' ? services.get(key) : ingresses.get(key)
    if (!wanted || !object || this.#stopped) return
    const now = object.status?.loadBalancer?.ingress ?? []
    if (sameAddresses(now, wanted)) return
    const patch = { status: { loadBalancer: { ingress: wanted.length > 0 ? wanted : null } } }
    if (target === 'Service') await client.of(serviceKind).patchStatus(parseKey(key), 'merge', patch)
    else await client.of(ingressKind).patchStatus(parseKey(key), 'merge', patch)
  }
}

/** A port of the host that is not the Service's own is said by an error, as the API has no field for it. */
function statusOf({ ip, ports }: BalancerAddress): LoadBalancerIngress {
  if (ports.every(({ port, hostPort }) => port === hostPort)) return { ip }
  return {
    ip,
    ports: ports.map(({ port, protocol, hostPort }) =>
      port === hostPort ? { port, protocol } : { port: hostPort, protocol, error: 'mk.dev/OtherPortUsed' }
    )
  }
}

// The server may add ipMode, which nobody here asked for.
const essence = (list: readonly LoadBalancerIngress[]) =>
  JSON.stringify(
    list.map(({ ip, hostname, ports }) => [
      ip,
      hostname,
      ports?.map(({ port, protocol, error }) => [port, protocol, error]) ?? []
    ])
  )
const sameAddresses = (a: readonly LoadBalancerIngress[], b: readonly LoadBalancerIngress[]) =>
  essence(a) === essence(b)
