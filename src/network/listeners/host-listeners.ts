import { Backoff } from '../../base/backoff.js'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { findPortOwner } from '../../base/port-owner.js'
import type { BindFailure } from '../ports/listen.js'
import { modelKey } from '../services/service-model.js'
import type { PortModel, ServiceModel } from '../services/service-model.js'
import { openHostPort } from './host-port.js'
import type { HostPort } from './host-port.js'

/** Where a Service of type LoadBalancer is reached on the host. */
export interface BalancerAddress {
  ip: string
  ports: { port: number; protocol: 'TCP' | 'UDP'; hostPort: number }[]
}

export interface HostListenersOptions {
  /** Where node ports and load balancers listen; the first is the one that counts. */
  addresses: readonly string[]
  clock: Clock
  logger: Logger
  /** A port could not be had, and what was taken instead. */
  onNotice(notice: { service: string; reason: string; message: string }): void
  /** A load balancer's address, whenever it changes; undefined when it has none any more. */
  onBalancer(service: string, address: BalancerAddress | undefined): void
}

interface Opened {
  port: HostPort
  hostPort: number
}

interface Entry {
  model: ServiceModel
  nodePorts: Map<string, HostPort>
  balancer: Map<string, Opened>
  balancerIp: string | undefined
  /** What onBalancer was told last, as JSON. */
  announced: string | undefined
}

const spareLoopbackAddresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6', '127.0.0.7']
const portKey = ({ protocol, port }: Pick<PortModel, 'protocol' | 'port'>) => `${protocol} ${String(port)}`

/**
 * Opens and closes the host's ports for NodePort and LoadBalancer Services as they come, change and go. A load
 * balancer gets 127.0.0.1; where one of its ports is taken there, another loopback address with the same port; and
 * where that is impossible too (privileged ports, another process on all addresses), another port.
 */
export class HostListeners {
  readonly #options: HostListenersOptions
  readonly #wanted = new Map<string, ServiceModel>()
  readonly #entries = new Map<string, Entry>()
  readonly #backoff = new Backoff({ baseMs: 2000, maxMs: 60_000 })
  readonly #dirty = new Set<string>()
  readonly #told = new Map<string, string>()
  #tail: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: HostListenersOptions) {
    this.#options = options
  }

  set(model: ServiceModel): void {
    const key = modelKey(model)
    const wanted = model.balanced || model.ports.some(({ nodePort }) => nodePort > 0)
    if (!wanted) {
      this.delete(key)
      return
    }
    this.#wanted.set(key, model)
    this.#schedule(key)
  }

  delete(key: string): void {
    if (!this.#wanted.delete(key) && !this.#entries.has(key)) return
    this.#schedule(key)
  }

  /** Resolves when all that was handed in is open or has failed. */
  settled(): Promise<void> {
    return this.#tail
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#tail
    for (const entry of this.#entries.values()) closeAll(entry)
    this.#entries.clear()
  }

  #schedule(key: string): void {
    if (this.#dirty.has(key)) return
    this.#dirty.add(key)
    this.#tail = this.#tail.then(async () => {
      this.#dirty.delete(key)
      if (this.#stopped) return
      try {
        await this.#reconcile(key)
      } catch (error) {
        this.#options.logger.error('host ports of a service failed', { service: key, error })
      }
    })
  }

  async #reconcile(key: string): Promise<void> {
    const model = this.#wanted.get(key)
    const known = this.#entries.get(key)
    if (!model) {
      if (!known) return
      closeAll(known)
      this.#entries.delete(key)
      this.#backoff.reset(key)
      this.#announce(key, known, undefined)
      return
    }
    const entry: Entry = known ?? {
      model,
      nodePorts: new Map(),
      balancer: new Map(),
      balancerIp: undefined,
      announced: undefined
    }
    entry.model = model
    this.#entries.set(key, entry)
    const complete = await this.#openNodePorts(key, entry)
    await this.#openBalancer(key, entry)
    if (complete) this.#backoff.reset(key)
    else {
      this.#options.clock.after(this.#backoff.next(key), () => {
        if (this.#entries.has(key)) this.#schedule(key)
      })
    }
  }

  /** False: some port was not free. */
  async #openNodePorts(key: string, { model, nodePorts }: Entry): Promise<boolean> {
    const wanted = new Map(
      model.ports
        .filter(({ nodePort }) => nodePort > 0)
        .map((p) => [`${p.protocol} ${String(p.nodePort)}`, p])
    )
    for (const [id, open] of nodePorts) {
      if (wanted.has(id)) continue
      open.close()
      nodePorts.delete(id)
    }
    let complete = true
    for (const [id, port] of wanted) {
      const open =
        nodePorts.get(id) ?? (await this.#open(port, model, this.#options.addresses, port.nodePort))
      if (typeof open === 'string') {
        complete = false
        await this.#tellNodePort(key, port, open)
      } else {
        nodePorts.set(id, open)
        open.update(port.endpoints, model.affinitySeconds)
        this.#told.delete(`${key} ${id}`)
      }
    }
    return complete
  }

  async #tellNodePort(key: string, { protocol, nodePort }: PortModel, failure: BindFailure): Promise<void> {
    const message = `node port ${String(nodePort)}/${protocol} is not open on this host: ${await describe(failure, nodePort, protocol)}`
    this.#tell(key, `${key} ${protocol} ${String(nodePort)}`, message)
  }

  #tell(service: string, about: string, message: string): void {
    if (this.#told.get(about) === message) return
    this.#told.set(about, message)
    this.#options.onNotice({ service, reason: 'PortInUse', message })
  }

  async #openBalancer(key: string, entry: Entry): Promise<void> {
    const { model, balancer } = entry
    const wanted = new Map(model.balanced ? model.ports.map((port) => [portKey(port), port]) : [])
    for (const [id, { port }] of balancer) {
      if (wanted.has(id)) continue
      port.close()
      balancer.delete(id)
    }
    if (wanted.size === 0) {
      entry.balancerIp = undefined
      this.#announce(key, entry, undefined)
      return
    }
    entry.balancerIp ??= await this.#chooseAddress(model, wanted, balancer)
    for (const [id, port] of wanted) {
      const known = balancer.get(id)
      known?.port.update(port.endpoints, model.affinitySeconds)
      const opened = known ?? (await this.#openWithFallback(key, model, port, entry.balancerIp))
      if (opened) balancer.set(id, opened)
    }
    const ports = [...wanted].flatMap(([id, { port, protocol }]) => {
      const opened = balancer.get(id)
      return opened ? [{ port, protocol, hostPort: opened.hostPort }] : []
    })
    this.#announce(key, entry, { ip: entry.balancerIp, ports })
  }

  #announce(key: string, entry: Entry, address: BalancerAddress | undefined): void {
    const text = address && JSON.stringify(address)
    if (text === entry.announced) return
    entry.announced = text
    this.#options.onBalancer(key, address)
  }

  /** The first address on which all ports are free; they are open then. */
  async #chooseAddress(
    model: ServiceModel,
    wanted: ReadonlyMap<string, PortModel>,
    opened: Map<string, Opened>
  ): Promise<string> {
    const first = this.#options.addresses[0] ?? '127.0.0.1'
    const spare = first === '127.0.0.1' ? spareLoopbackAddresses : []
    const hint = model.balancerIP !== undefined && spare.includes(model.balancerIP) ? [model.balancerIP] : []
    for (const ip of new Set([...hint, first, ...spare])) {
      const failure = await this.#openAll(model, wanted, ip, opened)
      if (failure === undefined) return ip
      if (failure === 'not-allowed') break
    }
    return first
  }

  async #openAll(
    model: ServiceModel,
    wanted: ReadonlyMap<string, PortModel>,
    ip: string,
    opened: Map<string, Opened>
  ): Promise<BindFailure | undefined> {
    for (const [id, port] of wanted) {
      const result = await this.#open(port, model, this.#companions(ip), port.port)
      if (typeof result !== 'string') {
        opened.set(id, { port: result, hostPort: port.port })
        continue
      }
      for (const { port: other } of opened.values()) other.close()
      opened.clear()
      return result
    }
    return undefined
  }

  #companions(ip: string): readonly string[] {
    return ip === this.#options.addresses[0] ? this.#options.addresses : [ip]
  }

  async #openWithFallback(
    key: string,
    model: ServiceModel,
    port: PortModel,
    ip: string
  ): Promise<Opened | undefined> {
    const direct = await this.#open(port, model, this.#companions(ip), port.port)
    if (typeof direct !== 'string') return { port: direct, hostPort: port.port }
    const why = await describe(direct, port.port, port.protocol)
    for (const hostPort of fallbackPorts(port.port)) {
      const result = await this.#open(port, model, this.#companions(ip), hostPort)
      if (typeof result === 'string') continue
      const where = `port ${String(hostPort)} of ${ip} is used instead of ${String(port.port)}`
      this.#tell(key, `${key} balancer ${portKey(port)}`, `${where}: ${why}`)
      return { port: result, hostPort }
    }
    this.#tell(key, `${key} balancer ${portKey(port)}`, `no port of ${ip} for ${portKey(port)}: ${why}`)
    return undefined
  }

  #open(port: PortModel, model: ServiceModel, addresses: readonly string[], hostPort: number) {
    const { protocol, endpoints } = port
    const { affinitySeconds } = model
    return openHostPort({ protocol, addresses, port: hostPort, endpoints, affinitySeconds })
  }
}

/** 80 → 8080, 443 → 8443 and so on, then the next ones. */
function fallbackPorts(port: number): number[] {
  const start = port < 1024 ? port + 8000 : port + 1
  return Array.from({ length: 50 }, (_, i) => start + i).filter((candidate) => candidate <= 65_535)
}

async function describe(failure: BindFailure, port: number, protocol: 'TCP' | 'UDP'): Promise<string> {
  if (failure === 'not-allowed') return `this user may not open ports below 1024`
  if (failure === 'no-address') return 'the address is not on this host'
  const owner = await findPortOwner(port, protocol === 'TCP' ? 'tcp' : 'udp')
  return owner === undefined ? `port ${String(port)} is in use` : `port ${String(port)} is held by ${owner}`
}

function closeAll({ nodePorts, balancer }: Entry): void {
  for (const port of nodePorts.values()) port.close()
  for (const { port } of balancer.values()) port.close()
}
