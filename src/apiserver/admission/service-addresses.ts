import type { Service, ServicePort } from '../../api/types.js'
import { fieldErrors } from '../../api/validation/field-errors.js'
import { parseCidr } from '../../base/ip.js'
import { statusErrors } from '../../base/status.js'
import type { FieldError } from '../../base/status.js'
import type { AdmissionPlugin, AdmissionRequest } from './admission.js'
import { createAddressPool, createPortPool } from './pools.js'
import type { Pool } from './pools.js'
import type { ObjectReader } from './reader.js'

const services = { group: '', kind: 'Service' }

/**
 * Gives Services their cluster addresses and node ports (registry service alloc.go). What is taken is read from the
 * stored Services themselves: nothing can leak or get lost in a restart. Only what requests under way were given is
 * kept here.
 */
export function serviceAddresses(reader: ObjectReader, serviceCidr: string): AdmissionPlugin {
  const cidr = parseCidr(serviceCidr)
  if (!cidr) throw new Error(`the service range ${serviceCidr} is no IPv4 CIDR`)
  const addresses = createAddressPool(cidr)
  const ports = createPortPool()
  return {
    name: 'ServiceAddresses',
    mutate: (request) => {
      const { kind, operation, subresource } = request
      if (kind.group !== '' || kind.kind !== 'Service' || operation === 'DELETE' || subresource !== undefined)
        return
      const others = reader
        .list<Service>(services)
        .filter((s) => s.metadata.name !== request.name || s.metadata.namespace !== request.namespace)
      new Allocation(request, others, addresses, ports).run()
    }
  }
}

class Allocation {
  readonly #request: AdmissionRequest
  readonly #service: Service
  readonly #old: Service | undefined
  readonly #others: readonly Service[]
  readonly #addresses: Pool<string>
  readonly #ports: Pool<string>

  constructor(
    request: AdmissionRequest,
    others: readonly Service[],
    addresses: Pool<string>,
    ports: Pool<string>
  ) {
    this.#request = request
    this.#service = request.object as Service
    this.#old = request.oldObject as Service | undefined
    this.#others = others
    this.#addresses = addresses
    this.#ports = ports
  }

  run(): void {
    const spec = (this.#service.spec ??= {})
    this.#dropWhatTheTypeLacks(spec)
    this.#keepOldValues(spec)
    if (!hasAddress(spec)) return
    this.#setFamilies(spec)
    this.#setAddress(spec)
    if (hasNodePorts(spec)) this.#setNodePorts(spec)
    if (needsHealthPort(spec)) this.#setHealthPort(spec)
  }

  /** A change of type gives back what only the old type had, unless the client set it anew. */
  #dropWhatTheTypeLacks(spec: Spec): void {
    const before = this.#old?.spec
    if (!before) return
    if (hasAddress(before) && !hasAddress(spec) && spec.clusterIP === before.clusterIP) {
      for (const member of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
        Reflect.deleteProperty(spec, member)
      }
    }
    if (hasNodePorts(before) && !hasNodePorts(spec)) {
      const had = new Set((before.ports ?? []).map((port) => port.nodePort))
      for (const port of spec.ports ?? []) if (had.has(port.nodePort)) delete port.nodePort
    }
    if (needsHealthPort(before) && !needsHealthPort(spec)) delete spec.healthCheckNodePort
  }

  /** What the client left out of an update stays as it was. */
  #keepOldValues(spec: Spec): void {
    const before = this.#old?.spec
    if (!before) return
    if (hasAddress(before) && hasAddress(spec) && !spec.clusterIP && !spec.clusterIPs?.length) {
      Object.assign(spec, { clusterIP: before.clusterIP, clusterIPs: before.clusterIPs })
    }
    if (hasNodePorts(before) && hasNodePorts(spec)) {
      const numbers = new Map((before.ports ?? []).map((port) => [portKey(port), port.nodePort]))
      for (const port of spec.ports ?? []) if (!port.nodePort) setNodePort(port, numbers.get(portKey(port)))
    }
    if (needsHealthPort(before) && needsHealthPort(spec))
      spec.healthCheckNodePort ||= before.healthCheckNodePort
  }

  #setFamilies(spec: Spec): void {
    if (spec.ipFamilyPolicy === 'RequireDualStack') {
      const why = 'this cluster is not configured for dual-stack services'
      this.#refuse(fieldErrors.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why))
    }
    const other = (spec.ipFamilies ?? []).findIndex((family) => family !== 'IPv4')
    if (other >= 0) {
      const field = `spec.ipFamilies[${String(other)}]`
      this.#refuse(fieldErrors.invalid(field, spec.ipFamilies?.[other], 'not configured on this cluster'))
    }
    spec.ipFamilyPolicy ??= 'SingleStack'
    spec.ipFamilies = ['IPv4']
  }

  #setAddress(spec: Spec): void {
    const [listed] = spec.clusterIPs ?? []
    spec.clusterIP = spec.clusterIP || listed || ''
    if (spec.clusterIP !== 'None' && spec.clusterIP !== this.#old?.spec?.clusterIP) {
      const taken = new Set(
        this.#others.flatMap((service) => service.spec?.clusterIPs ?? service.spec?.clusterIP ?? [])
      )
      const wanted = spec.clusterIP
      const got = this.#addresses.take(taken, wanted || undefined, this.#request.onFinished)
      if ('problem' in got) {
        const text = wanted
          ? `failed to allocate IP ${wanted}: ${got.problem}`
          : `failed to allocate a serviceIP: ${got.problem}`
        this.#refuse(fieldErrors.invalid('spec.clusterIPs', wanted ? [wanted] : [], text))
      }
      spec.clusterIP = got.value
    }
    if (listed !== spec.clusterIP) spec.clusterIPs = [spec.clusterIP]
  }

  #setNodePorts(spec: Spec): void {
    if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) {
      if (!(spec.ports ?? []).some((port) => port.nodePort)) return
    }
    const taken = this.#takenPorts()
    for (const [index, port] of (spec.ports ?? []).entries()) {
      const protocol = port.protocol ?? 'TCP'
      if (!port.nodePort && spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false)
        continue
      // TCP and UDP of one service may share a number.
      if (!port.nodePort) {
        const shared = (spec.ports ?? []).find(
          (other) => other.nodePort && other.port === port.port && (other.protocol ?? 'TCP') !== protocol
        )
        if (shared?.nodePort && !taken.has(`${protocol}/${String(shared.nodePort)}`))
          port.nodePort = shared.nodePort
      }
      const wanted = port.nodePort ? `${protocol}/${String(port.nodePort)}` : undefined
      if (wanted !== undefined && this.#hadPort(wanted)) continue
      const got = this.#ports.take(taken, wanted, this.#request.onFinished, protocol)
      if ('problem' in got) {
        this.#refuse(
          fieldErrors.invalid(`spec.ports[${String(index)}].nodePort`, port.nodePort ?? 0, got.problem)
        )
      }
      taken.add(got.value)
      port.nodePort = Number(got.value.split('/')[1])
    }
  }

  #setHealthPort(spec: Spec): void {
    if (spec.healthCheckNodePort && spec.healthCheckNodePort === this.#old?.spec?.healthCheckNodePort) return
    const wanted = spec.healthCheckNodePort ? `TCP/${String(spec.healthCheckNodePort)}` : undefined
    const got = this.#ports.take(this.#takenPorts(), wanted, this.#request.onFinished, 'TCP')
    if ('problem' in got) {
      this.#refuse(
        fieldErrors.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort ?? 0, got.problem)
      )
    }
    spec.healthCheckNodePort = Number(got.value.split('/')[1])
  }

  #takenPorts(): Set<string> {
    return new Set(this.#others.flatMap(portsOf))
  }

  #hadPort(port: string): boolean {
    return this.#old !== undefined && portsOf(this.#old).includes(port)
  }

  #refuse(error: FieldError): never {
    throw statusErrors.invalid(this.#request.kind, this.#request.name, [error])
  }
}

type Spec = NonNullable<Service['spec']>

const typeOf = (spec: Spec) => spec.type || 'ClusterIP'
const hasAddress = (spec: Spec): boolean => typeOf(spec) !== 'ExternalName'
const hasNodePorts = (spec: Spec): boolean => typeOf(spec) === 'NodePort' || typeOf(spec) === 'LoadBalancer'
const needsHealthPort = (spec: Spec): boolean =>
  typeOf(spec) === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
const portKey = (port: ServicePort): string => `${port.protocol ?? 'TCP'}/${String(port.port)}`

function setNodePort(port: ServicePort, number: number | undefined): void {
  if (number) port.nodePort = number
}

function portsOf({ spec }: Service): string[] {
  const numbers = (spec?.ports ?? []).flatMap((port) =>
    port.nodePort ? [`${port.protocol ?? 'TCP'}/${String(port.nodePort)}`] : []
  )
  return spec?.healthCheckNodePort ? [...numbers, `TCP/${String(spec.healthCheckNodePort)}`] : numbers
}
