import type { Clock } from '../../base/clock.js'
import { MkError } from '../../base/errors.js'
import { parseCidr } from '../../base/ip.js'
import type { Cidr } from '../../base/ip.js'
import type { Logger } from '../../base/logger.js'
import { startDnsServer } from '../dns/dns-server.js'
import type { DnsServer } from '../dns/dns-server.js'
import { Responder } from '../dns/responder.js'
import { Upstream } from '../dns/upstream.js'
import { Zone } from '../dns/zone.js'
import { IngressServer } from '../ingress/ingress-server.js'
import { HostListeners } from '../listeners/host-listeners.js'
import type {
  DataPlane,
  DataPlaneConfig,
  DataPlaneEvent,
  DataPlanePorts,
  DataPlaneUpdate
} from './contract.js'

export interface LocalDataPlaneOptions {
  config: DataPlaneConfig
  clock: Clock
  logger: Logger
  onEvent(event: DataPlaneEvent): void
}

/** The data plane in this very thread. */
export class LocalDataPlane implements DataPlane {
  readonly #config: DataPlaneConfig
  readonly #logger: Logger
  readonly #zone: Zone
  readonly #responder: Responder
  readonly #ingress: IngressServer
  readonly #listeners: HostListeners
  readonly #podCidr: Cidr
  #dns: DnsServer | undefined

  constructor(options: LocalDataPlaneOptions) {
    const { config, clock, logger } = options
    const onEvent = (event: DataPlaneEvent) => {
      options.onEvent(event)
    }
    this.#config = config
    this.#logger = logger
    this.#podCidr = rangeOf(config.podCidr)
    const { clusterDomain, hostIp, hostAddresses, httpPorts, httpsPorts } = config
    const serviceCidr = rangeOf(config.serviceCidr)
    this.#zone = new Zone({ clusterDomain, hostIp, serviceCidr, podCidr: this.#podCidr })
    const upstream = new Upstream({
      resolvConfPath: config.resolvConfPath,
      ownAddresses: config.dnsOwnAddresses,
      logger
    })
    this.#responder = new Responder({ zone: this.#zone, upstream })
    const told = (reason: string, message: string, kind: 'Service' | 'Ingress', key: string) => {
      onEvent({ type: 'notice', about: { kind, key }, reason, message })
    }
    this.#ingress = new IngressServer({
      addresses: hostAddresses,
      httpPorts,
      httpsPorts,
      logger,
      onNotice: (message) => {
        onEvent({ type: 'notice', reason: 'PortInUse', message })
      },
      onCertificateProblem: ({ ingress, message }) => {
        told('BadCertificate', message, 'Ingress', ingress)
      }
    })
    this.#listeners = new HostListeners({
      addresses: hostAddresses,
      clock,
      logger,
      onNotice: ({ service, reason, message }) => {
        told(reason, message, 'Service', service)
      },
      onBalancer: (service, address) => {
        onEvent({ type: 'balancer', service, address })
      }
    })
  }

  async start(): Promise<DataPlanePorts> {
    const { dnsAddresses: addresses, dnsPorts: ports } = this.#config
    const common = { responder: this.#responder, podCidr: this.#podCidr, logger: this.#logger }
    this.#dns = await startDnsServer({ ...common, addresses, ports })
    await this.#ingress.start()
    return { dns: this.#dns.port, http: this.#ingress.httpPort, https: this.#ingress.httpsPort }
  }

  update({ services, removed, ingresses }: DataPlaneUpdate): void {
    for (const key of removed) {
      this.#zone.delete(key)
      this.#ingress.deleteService(key)
      this.#listeners.delete(key)
    }
    for (const model of services) {
      this.#zone.set(model)
      this.#ingress.setService(model)
      this.#listeners.set(model)
    }
    if (removed.length > 0 || services.length > 0) this.#responder.clear()
    if (ingresses) this.#ingress.setIngresses(ingresses)
  }

  async stop(): Promise<void> {
    await Promise.all([this.#dns?.stop(), this.#ingress.stop(), this.#listeners.stop()])
  }
}

function rangeOf(text: string): Cidr {
  const range = parseCidr(text)
  if (!range) throw new MkError('MK_INPUT', `not an IPv4 address range: ${text}`)
  return range
}
