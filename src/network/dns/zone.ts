import { cidrContains, parseIpv4 } from '../../base/ip.js'
import type { Cidr } from '../../base/ip.js'
import { modelKey } from '../services/service-model.js'
import type { NamedEndpoint, PortModel, ServiceModel } from '../services/service-model.js'

/** Seconds that clients may keep an answer; CoreDNS's default for the cluster zone. */
const ttl = 5

export type ZoneRecord =
  | { type: 'A' | 'PTR' | 'CNAME' | 'NS'; name: string; ttl: number; data: string }
  | { type: 'TXT'; name: string; ttl: number; data: string }
  | {
      type: 'SRV'
      name: string
      ttl: number
      data: { priority: number; weight: number; port: number; target: string }
    }
  | { type: 'SOA'; name: string; ttl: number; data: SoaData }

interface SoaData {
  mname: string
  rname: string
  serial: number
  refresh: number
  retry: number
  expire: number
  minimum: number
}

export interface ZoneAnswer {
  code: 'NOERROR' | 'NXDOMAIN'
  answers: ZoneRecord[]
  additionals: ZoneRecord[]
  /** The start of authority, with negative answers. */
  authorities: ZoneRecord[]
  /** The name that the last CNAME leads to and that this zone does not know. */
  follow?: string
}

export interface ZoneOptions {
  /** Without dots around, e.g. `cluster.local`. */
  clusterDomain: string
  serviceCidr: Cidr
  podCidr: Cidr
  /** What `host.mk.internal` stands for. */
  hostIp: string
}

interface Found {
  answers: ZoneRecord[]
  additionals?: ZoneRecord[]
}

/**
 * The names of a cluster, after the Kubernetes DNS specification 1.1.0 and CoreDNS's kubernetes plugin (`pods
 * insecure`). Names are case-insensitive; what is not of this zone is undefined and for others to answer.
 */
export class Zone {
  readonly #options: ZoneOptions
  readonly #services = new Map<string, ServiceModel>()
  readonly #namespaces = new Map<string, number>()
  #pointers: Map<string, string[]> | undefined

  constructor(options: ZoneOptions) {
    this.#options = options
  }

  set(model: ServiceModel): void {
    this.delete(modelKey(model))
    this.#services.set(modelKey(model), model)
    this.#namespaces.set(model.namespace, (this.#namespaces.get(model.namespace) ?? 0) + 1)
  }

  delete(key: string): void {
    this.#pointers = undefined
    const model = this.#services.get(key)
    if (!model) return
    this.#services.delete(key)
    const left = (this.#namespaces.get(model.namespace) ?? 1) - 1
    if (left > 0) this.#namespaces.set(model.namespace, left)
    else this.#namespaces.delete(model.namespace)
  }

  /** Undefined: not a name of this zone. */
  resolve(name: string, type: string): ZoneAnswer | undefined {
    const lower = name.toLowerCase()
    const domain = this.#options.clusterDomain
    if (lower === 'host.mk.internal' || lower === 'mk.internal') return this.#host(name, lower, type)
    if (lower === domain || lower.endsWith(`.${domain}`)) return this.#cluster(name, lower, type)
    if (lower.endsWith('.in-addr.arpa')) return this.#pointer(name, lower, type)
    return undefined
  }

  #host(name: string, lower: string, type: string): ZoneAnswer {
    const records: ZoneRecord[] = [{ type: 'A', name, ttl, data: this.#options.hostIp }]
    return this.#answer('mk.internal', type, { answers: lower === 'host.mk.internal' ? records : [] })
  }

  #cluster(name: string, lower: string, type: string): ZoneAnswer {
    const domain = this.#options.clusterDomain
    const labels = lower === domain ? [] : lower.slice(0, -domain.length - 1).split('.')
    const found = this.#find(name, labels, type)
    const answer = this.#answer(domain, type, found)
    const alias = answer.answers.find((record) => record.type === 'CNAME')
    if (alias?.type !== 'CNAME' || type === 'CNAME') return answer
    return this.#followAlias(answer, alias.data, type)
  }

  #followAlias(answer: ZoneAnswer, target: string, type: string, depth = 0): ZoneAnswer {
    const next = depth < 8 ? this.#resolveAlias(target, type) : undefined
    if (!next) return { ...answer, follow: target }
    const merged = { ...next, answers: [...answer.answers, ...next.answers] }
    const alias = next.answers.find((record) => record.type === 'CNAME')
    return alias?.type === 'CNAME' ? this.#followAlias(merged, alias.data, type, depth + 1) : merged
  }

  #resolveAlias(target: string, type: string): ZoneAnswer | undefined {
    const lower = target.toLowerCase()
    const domain = this.#options.clusterDomain
    if (!lower.endsWith(`.${domain}`)) return this.resolve(target, type)
    return this.#answer(domain, type, this.#find(target, lower.slice(0, -domain.length - 1).split('.'), type))
  }

  /** Undefined: the name does not exist. */
  #find(name: string, labels: readonly string[], type: string): Found | undefined {
    const [top, second, ...rest] = [...labels].reverse()
    if (top === undefined) return { answers: type === 'SOA' ? [this.#soa(name)] : this.#nameServer(name) }
    if (top === 'dns-version' && second === undefined)
      return { answers: [{ type: 'TXT', name, ttl, data: '1.1.0' }] }
    if (top === 'pod') return this.#pod(name, second, rest)
    if (top !== 'svc') return undefined
    if (second === undefined) return { answers: [] }
    if (!this.#namespaces.has(second)) return undefined
    const [serviceName, ...parts] = rest
    if (serviceName === undefined) return { answers: [] }
    const model = this.#services.get(`${second}/${serviceName}`)
    return model && this.#service(name, model, parts.reverse(), type)
  }

  #nameServer(name: string): ZoneRecord[] {
    return [{ type: 'NS', name, ttl, data: `ns.dns.${this.#options.clusterDomain}` }]
  }

  #pod(name: string, namespace: string | undefined, rest: readonly string[]): Found | undefined {
    if (namespace === undefined || rest.length === 0) return { answers: [] }
    const ip = rest[0]?.replaceAll('-', '.') ?? ''
    if (rest.length > 1 || parseIpv4(ip) === undefined) return undefined
    return { answers: [{ type: 'A', name, ttl, data: ip }] }
  }

  /** `parts` is what stands before the Service's name, in order. */
  #service(name: string, model: ServiceModel, parts: readonly string[], type: string): Found | undefined {
    if (model.type === 'ExternalName') {
      if (parts.length > 0 || !model.externalName) return undefined
      return { answers: [{ type: 'CNAME', name, ttl, data: model.externalName.replace(/\.$/, '') }] }
    }
    const [first, second] = parts
    if (first === undefined) {
      const answers = addressesOf(model).map((data): ZoneRecord => ({ type: 'A', name, ttl, data }))
      if (model.headless && model.named.length === 0) return undefined
      return type === 'SRV' ? this.#servers(name, model, () => true) : { answers }
    }
    if (parts.length === 1) {
      const endpoints = model.named.filter((endpoint) => endpoint.hostname.toLowerCase() === first)
      if (endpoints.length > 0)
        return { answers: endpoints.map(({ ip }) => ({ type: 'A', name, ttl, data: ip })) }
      // `_tcp.svc` exists as soon as there is a port below it.
      return model.ports.some(({ protocol }) => `_${protocol.toLowerCase()}` === first)
        ? { answers: [] }
        : undefined
    }
    if (parts.length > 2 || second === undefined) return undefined
    const found = this.#servers(
      name,
      model,
      (port) => `_${port.name}` === first && `_${port.protocol.toLowerCase()}` === second
    )
    if (found.answers.length === 0) return undefined
    return type === 'SRV' ? found : { answers: [] }
  }

  #servers(
    name: string,
    model: ServiceModel,
    wanted: (port: Pick<PortModel, 'name' | 'protocol'>) => boolean
  ): Found {
    const own = `${model.name}.${model.namespace}.svc.${this.#options.clusterDomain}`
    const targets = model.headless
      ? model.named.map((endpoint) => ({ ...endpoint, target: `${endpoint.hostname}.${own}` }))
      : addressesOf(model).map((ip) => ({ ip, ports: model.ports, target: own }))
    const answers: ZoneRecord[] = []
    const additionals: ZoneRecord[] = []
    for (const { ip, ports, target } of targets) {
      const matching = ports.filter(wanted)
      for (const { port } of matching)
        answers.push({ type: 'SRV', name, ttl, data: { priority: 0, weight: 100, port, target } })
      if (matching.length > 0) additionals.push({ type: 'A', name: target, ttl, data: ip })
    }
    const weight = answers.length > 0 ? Math.max(1, Math.floor(100 / answers.length)) : 100
    for (const record of answers) if (record.type === 'SRV') record.data.weight = weight
    return { answers, additionals }
  }

  #pointer(name: string, lower: string, type: string): ZoneAnswer | undefined {
    const ip = lower.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.')
    const address = parseIpv4(ip)
    if (address === undefined) return undefined
    this.#pointers ??= this.#buildPointers()
    const names = this.#pointers.get(ip)
    const { serviceCidr, podCidr } = this.#options
    // Addresses of the cluster are never asked of the outside.
    if (!names && !cidrContains(serviceCidr, address) && !cidrContains(podCidr, address)) return undefined
    const answers = names?.map((data): ZoneRecord => ({ type: 'PTR', name, ttl, data }))
    return this.#answer('in-addr.arpa', type, answers && { answers })
  }

  #buildPointers(): Map<string, string[]> {
    const pointers = new Map<string, string[]>()
    const add = (ip: string, name: string) => pointers.set(ip, [...(pointers.get(ip) ?? []), name])
    for (const model of this.#services.values()) {
      const own = `${model.name}.${model.namespace}.svc.${this.#options.clusterDomain}`
      if (model.clusterIP !== undefined) add(model.clusterIP, own)
      if (model.headless) for (const { ip, hostname } of model.named) add(ip, `${hostname}.${own}`)
    }
    pointers.set(this.#options.hostIp, ['host.mk.internal'])
    return pointers
  }

  /** Keeps the records of the type asked for; a name without any is an empty answer, with the authority. */
  #answer(zone: string, type: string, found: Found | undefined): ZoneAnswer {
    const soa = this.#soa(zone)
    if (!found) return { code: 'NXDOMAIN', answers: [], additionals: [], authorities: [soa] }
    const answers = found.answers.filter((r) => r.type === type || r.type === 'CNAME' || type === 'ANY')
    const additionals = answers.length > 0 ? (found.additionals ?? []) : []
    return { code: 'NOERROR', answers, additionals, authorities: answers.length > 0 ? [] : [soa] }
  }

  #soa(zone: string): ZoneRecord {
    const mname = `ns.dns.${this.#options.clusterDomain}`
    const rname = `hostmaster.${this.#options.clusterDomain}`
    const data = { mname, rname, serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: ttl }
    return { type: 'SOA', name: zone, ttl, data }
  }
}

function addressesOf(model: ServiceModel): string[] {
  if (model.clusterIP !== undefined) return [model.clusterIP]
  return model.named.map(({ ip }: NamedEndpoint) => ip)
}
