import { endpointSlices } from '../api/kinds/endpoint-slices.js'
import { ingressClasses } from '../api/kinds/ingress-classes.js'
import { ingresses } from '../api/kinds/ingresses.js'
import { nodes } from '../api/kinds/nodes.js'
import { secrets } from '../api/kinds/secrets.js'
import { services } from '../api/kinds/services.js'
import type { Clock } from '../base/clock.js'
import { MkError } from '../base/errors.js'
import { parseCidr } from '../base/ip.js'
import type { Logger } from '../base/logger.js'
import { keyOf } from '../base/object.js'
import type { Client } from '../client/client.js'
import { createEventRecorder } from '../client/events.js'
import type { EventRecorder } from '../client/events.js'
import type { InformerFactory } from '../client/informer-factory.js'
import type { Runtime } from '../runtime/runtime.js'
import type { DataPlane, DataPlaneConfig, DataPlaneEvent, DataPlanePorts } from './data-plane/contract.js'
import { createDataPlane } from './data-plane/create-data-plane.js'
import { IngressTracker } from './ingress-tracker.js'
import type { IngressModel } from './ingress/ingress-model.js'
import { ServiceProxy } from './service-proxy.js'
import { ServiceTracker, nodeAddressesOf } from './service-tracker.js'
import type { ServiceChanges } from './service-tracker.js'
import { serviceEntries } from './services/service-entries.js'
import { modelKey } from './services/service-model.js'
import type { ServiceModel } from './services/service-model.js'
import { StatusWriter } from './status-writer.js'
import { ensureWellKnownObjects } from './well-known-objects.js'

export interface NetworkOptions {
  client: Client
  informers: InformerFactory
  /** Must be started: its addresses are read by start(). */
  runtime: Pick<Runtime, 'network'>
  clock: Clock
  logger: Logger
  clusterDomain: string
  /** CIDR notation. */
  serviceCidr: string
  dnsServiceIp: string
  /** Where ingress, node ports and load balancers listen. 127.0.0.1 means loopback, ::1 included. */
  listen: string
  /** Without one: 80 if it is free and allowed, else 8080 or the next free one. */
  httpPort?: number
  /** Without one: 443 if it is free and allowed, else 8443 or the next free one. */
  httpsPort?: number
  /** Program of the data plane's thread (data-plane/worker.ts, bundled or not); without one it runs in this thread. */
  workerUrl?: URL
}

/** Services, DNS, ingress and the host's listeners of one cluster. */
export interface Network {
  /** Resolves when the pods there are have their service table, DNS answers and all listeners are open. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Ports of this host on which Ingress answers; undefined until started. */
  ingress(): { http: number; https: number } | undefined
  /** What the user should know: ports that were busy and what was taken instead. */
  notices(): string[]
}

/** On the bridge's address, which is each cluster's own: the same port works for every cluster. */
const dnsPorts = [10_053, 0]
const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)
const httpPorts = [80, ...range(8080, 10), 0]
const httpsPorts = [443, ...range(8443, 10), 0]
const staticOwner = ''

export function createNetwork(options: NetworkOptions): Network {
  return new ClusterNetwork(options)
}

class ClusterNetwork implements Network {
  readonly #options: NetworkOptions
  readonly #logger: Logger
  readonly #recorder: EventRecorder
  readonly #informers
  readonly #notices: string[] = []
  readonly #services: ServiceTracker
  readonly #ingresses: IngressTracker
  readonly #status: StatusWriter
  readonly #unsubscribe: (() => void)[] = []
  #proxy: ServiceProxy | undefined
  #plane: DataPlane | undefined
  #ports: DataPlanePorts | undefined
  #nodeAddresses: string[] = []
  #served = new Set<string>()

  constructor(options: NetworkOptions) {
    const { client, informers, clock, logger } = options
    this.#options = options
    this.#logger = logger.with({ part: 'network' })
    this.#recorder = createEventRecorder({ client, component: 'mk-network', clock, logger })
    this.#informers = {
      services: informers.of(services),
      slices: informers.of(endpointSlices),
      ingresses: informers.of(ingresses),
      classes: informers.of(ingressClasses),
      secrets: informers.of(secrets),
      nodes: informers.of(nodes)
    }
    this.#services = new ServiceTracker({
      ...this.#informers,
      onChange: (changes) => {
        this.#applyServices(changes)
      }
    })
    this.#ingresses = new IngressTracker({
      ...this.#informers,
      onChange: (models) => {
        this.#applyIngresses(models)
      },
      onProblem: ({ ingress, reason, message }) => {
        this.#recorder.event(ingress, { type: 'Warning', reason, message })
      }
    })
    this.#status = new StatusWriter({ ...this.#informers, client, clock, logger: this.#logger })
  }

  async start(): Promise<void> {
    const { runtime, clock, clusterDomain, dnsServiceIp } = this.#options
    const { network } = runtime
    const serviceCidr = parseCidr(this.#options.serviceCidr)
    if (!serviceCidr)
      throw new MkError(
        'MK_INPUT',
        `serviceCidr: "${this.#options.serviceCidr}" is not an IPv4 address range`
      )
    const proxy = new ServiceProxy({ network, serviceCidr, clock, logger: this.#logger })
    this.#proxy = proxy
    const plane = createDataPlane({
      config: this.#dataPlaneConfig(clusterDomain),
      workerUrl: this.#options.workerUrl,
      clock,
      logger: this.#logger,
      onEvent: (event) => {
        this.#receive(event)
      },
      onPorts: (ports) => {
        this.#setPorts(ports)
      }
    })
    this.#plane = plane
    const [ports] = await Promise.all([
      plane.start(),
      ...Object.values(this.#informers).map((i) => i.synced())
    ])
    this.#setPorts(ports)
    this.#follow()
    await Promise.all([
      proxy.start(),
      ensureWellKnownObjects(this.#options.client, {
        serviceIp: dnsServiceIp,
        address: network.gateway,
        port: ports.dns
      })
    ])
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    this.#services.stop()
    this.#ingresses.stop()
    this.#status.stop()
    this.#proxy?.stop()
    await this.#plane?.stop()
    this.#ports = undefined
  }

  ingress(): { http: number; https: number } | undefined {
    return this.#ports && { http: this.#ports.http, https: this.#ports.https }
  }

  notices(): string[] {
    return [...this.#notices]
  }

  #dataPlaneConfig(clusterDomain: string): DataPlaneConfig {
    const { runtime, serviceCidr, dnsServiceIp, listen, httpPort, httpsPort } = this.#options
    const { podCidr, gateway } = runtime.network
    return {
      clusterDomain,
      serviceCidr,
      podCidr,
      hostIp: gateway,
      dnsAddresses: [gateway],
      dnsPorts,
      dnsOwnAddresses: [gateway, dnsServiceIp],
      hostAddresses: listen === '127.0.0.1' ? ['127.0.0.1', '::1'] : [listen],
      httpPorts: httpPort === undefined ? httpPorts : [httpPort],
      httpsPorts: httpsPort === undefined ? httpsPorts : [httpsPort]
    }
  }

  #follow(): void {
    const { nodes: nodeInformer, services: serviceInformer, ingresses: ingressInformer } = this.#informers
    this.#updateNodeAddresses()
    this.#services.start()
    this.#ingresses.start()
    this.#unsubscribe.push(
      nodeInformer.onChange(() => {
        this.#updateNodeAddresses()
      }),
      serviceInformer.onChange(({ type, object }) => {
        if (type === 'deleted') this.#status.forget('Service', keyOf(object))
        else this.#status.check('Service', keyOf(object))
      }),
      ingressInformer.onChange(({ type, object }) => {
        if (type === 'deleted') this.#status.forget('Ingress', keyOf(object))
        else this.#status.check('Ingress', keyOf(object))
      })
    )
  }

  #setPorts(ports: DataPlanePorts): void {
    this.#ports = ports
    const { dnsServiceIp: ip, runtime } = this.#options
    const endpoints = [{ ip: runtime.network.gateway, port: ports.dns }]
    // DNS must work whatever becomes of the Service that stands for it.
    this.#proxy?.set(staticOwner, [
      { ip, protocol: 'UDP', port: 53, endpoints },
      { ip, protocol: 'TCP', port: 53, endpoints }
    ])
  }

  #updateNodeAddresses(): void {
    const addresses = nodeAddressesOf(this.#informers.nodes.list(), this.#options.runtime.network.gateway)
    if (addresses.join() === this.#nodeAddresses.join()) return
    this.#nodeAddresses = addresses
    for (const model of this.#services.models()) this.#program(model)
  }

  #applyServices({ set, removed }: ServiceChanges): void {
    for (const model of set) this.#program(model)
    for (const key of removed) this.#proxy?.set(key, [])
    this.#plane?.update({ services: set, removed })
  }

  #program(model: ServiceModel): void {
    this.#proxy?.set(modelKey(model), serviceEntries(model, this.#nodeAddresses))
  }

  #applyIngresses(models: IngressModel[]): void {
    this.#plane?.update({ services: [], removed: [], ingresses: models })
    const served = new Set(models.map(({ key }) => key))
    const { listen } = this.#options
    const address = listen === '0.0.0.0' ? '127.0.0.1' : listen
    for (const key of served) this.#status.setIngress(key, [{ ip: address }])
    for (const key of this.#served) if (!served.has(key)) this.#status.setIngress(key, [])
    this.#served = served
  }

  #receive(event: DataPlaneEvent): void {
    if (event.type === 'balancer') {
      this.#status.setBalancer(event.service, event.address)
      return
    }
    const { about, reason, message } = event
    this.#logger.warn('notice of the data plane', { ...about, reason, notice: message })
    if (!about) {
      if (!this.#notices.includes(message)) this.#notices.push(message)
      return
    }
    const { services: serviceInformer, ingresses: ingressInformer } = this.#informers
    const object = about.kind === 'Service' ? serviceInformer.get(about.key) : ingressInformer.get(about.key)
    if (object) this.#recorder.event(object, { type: 'Warning', reason, message })
  }
}
