import { isIP } from 'node:net'
import type { FieldError } from '../../base/status.js'
import type { Service, ServicePort, ServiceSpec } from '../types.js'
import { fieldErrors, immutable, invalidAll, messages, oneOf } from './field-errors.js'
import { validateLabels } from './labels.js'
import { dnsLabelProblems, dnsSubdomainProblems, isPort } from './names.js'
import { validatePort } from './probes.js'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'

/** core ValidateService and ValidateServiceUpdate */
export function validateService({ spec }: Service, old?: Service): FieldError[] {
  const headless = spec.clusterIP === 'None'
  return [
    ...(spec.type !== 'ExternalName' && !headless && (spec.ports ?? []).length === 0
      ? [fieldErrors.required('spec.ports')]
      : []),
    ...oneOf(spec.type, types, 'spec.type', 'required'),
    ...validateType(spec),
    ...validatePorts(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...oneOf(spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity', 'required'),
    ...validateAffinity(spec),
    ...validateAddresses(spec),
    ...validatePolicies(spec),
    ...(old ? validateUpdate(spec, old.spec) : [])
  ]
}

function validateType(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') {
    const errors: FieldError[] = []
    if (spec.clusterIP)
      errors.push(fieldErrors.forbidden('spec.clusterIPs', 'may not be set for ExternalName services'))
    if (!spec.externalName) errors.push(fieldErrors.required('spec.externalName'))
    else
      errors.push(
        ...invalidAll(
          'spec.externalName',
          spec.externalName,
          dnsSubdomainProblems(spec.externalName.replace(/\.$/, ''))
        )
      )
    return errors
  }
  const published = spec.type === 'LoadBalancer' || spec.type === 'NodePort'
  return published && spec.clusterIP === 'None'
    ? [
        fieldErrors.invalid(
          'spec.clusterIPs[0]',
          'None',
          `may not be set to 'None' for ${spec.type ?? ''} services`
        )
      ]
    : []
}

function validatePorts(spec: ServiceSpec): FieldError[] {
  const ports = spec.ports ?? []
  const names = new Set<string>()
  const numbers = new Set<string>()
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${String(i)}]`
    const errors = validateServicePort(port, ports.length > 1, names, at)
    const key = `${port.protocol ?? ''}/${String(port.port)}`
    if (numbers.has(key)) {
      errors.push(
        fieldErrors.duplicate(at, {
          Name: '',
          Protocol: port.protocol,
          AppProtocol: null,
          Port: port.port,
          TargetPort: 0,
          NodePort: 0
        })
      )
    }
    numbers.add(key)
    if (spec.type === 'ClusterIP' && port.nodePort) {
      errors.push(fieldErrors.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
    }
    return errors
  })
}

function validateServicePort(
  port: ServicePort,
  named: boolean,
  names: Set<string>,
  at: string
): FieldError[] {
  const errors: FieldError[] = []
  if (port.name) {
    errors.push(...invalidAll(`${at}.name`, port.name, dnsLabelProblems(port.name)))
    if (names.has(port.name)) errors.push(fieldErrors.duplicate(`${at}.name`, port.name))
    names.add(port.name)
  } else if (named) errors.push(fieldErrors.required(`${at}.name`))
  if (!isPort(port.port)) errors.push(fieldErrors.invalid(`${at}.port`, port.port, messages.port))
  errors.push(...oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${at}.protocol`, 'required'))
  if (port.targetPort !== undefined) errors.push(...validatePort(port.targetPort, `${at}.targetPort`))
  if (port.nodePort && !isPort(port.nodePort)) {
    errors.push(fieldErrors.invalid(`${at}.nodePort`, port.nodePort, messages.port))
  }
  return errors
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  const field = 'spec.sessionAffinityConfig'
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (spec.sessionAffinity !== 'ClientIP') {
    return spec.sessionAffinityConfig
      ? [fieldErrors.forbidden(field, 'must not be set when session affinity is None')]
      : []
  }
  return seconds !== undefined && (seconds <= 0 || seconds > 86400)
    ? [
        fieldErrors.invalid(
          `${field}.clientIP.timeoutSeconds`,
          seconds,
          'must be greater than 0 and less than 86400'
        )
      ]
    : []
}

/** Addresses and their families: the cluster has IPv4 only. */
function validateAddresses(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const { clusterIPs = [], ipFamilies = [] } = spec
  clusterIPs.forEach((ip, i) => {
    const field = `spec.clusterIPs[${String(i)}]`
    if (ip === 'None') return
    if (isIP(ip) === 0) errors.push(fieldErrors.invalid(field, ip, ipText))
    else if (isIP(ip) === 6)
      errors.push(fieldErrors.invalid(field, [ip], 'IPv6 is not configured on this cluster'))
  })
  if (clusterIPs.length > 0 && spec.clusterIP !== clusterIPs[0]) {
    errors.push(fieldErrors.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`'))
  }
  ipFamilies.forEach((family, i) => {
    const field = `spec.ipFamilies[${String(i)}]`
    if (family === 'IPv6') errors.push(fieldErrors.invalid(field, family, 'not configured on this cluster'))
    else errors.push(...oneOf(family, ['IPv4', 'IPv6'], field, 'required'))
  })
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    errors.push(
      fieldErrors.invalid(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        'this cluster is not configured for dual-stack services'
      )
    )
  } else
    errors.push(
      ...oneOf(
        spec.ipFamilyPolicy,
        ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
        'spec.ipFamilyPolicy'
      )
    )
  ;(spec.externalIPs ?? []).forEach((ip, i) => {
    if (isIP(ip) === 0) errors.push(fieldErrors.invalid(`spec.externalIPs[${String(i)}]`, ip, ipText))
  })
  return errors
}

function validatePolicies(spec: ServiceSpec): FieldError[] {
  const external =
    spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0
  const errors = [
    ...oneOf(spec.internalTrafficPolicy, ['Cluster', 'Local'], 'spec.internalTrafficPolicy'),
    ...oneOf(spec.externalTrafficPolicy, ['Cluster', 'Local'], 'spec.externalTrafficPolicy'),
    ...oneOf(
      spec.trafficDistribution,
      ['PreferClose', 'PreferSameNode', 'PreferSameZone'],
      'spec.trafficDistribution'
    )
  ]
  if (spec.externalTrafficPolicy && !external) {
    errors.push(
      fieldErrors.invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services'
      )
    )
  }
  if (spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts !== undefined) {
      errors.push(
        fieldErrors.forbidden(
          'spec.allocateLoadBalancerNodePorts',
          "may only be used when `type` is 'LoadBalancer'"
        )
      )
    }
    if (spec.loadBalancerClass) {
      errors.push(
        fieldErrors.forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'")
      )
    }
    if ((spec.loadBalancerSourceRanges ?? []).length > 0) {
      errors.push(
        fieldErrors.forbidden(
          'spec.LoadBalancerSourceRanges',
          "may only be used when `type` is 'LoadBalancer'"
        )
      )
    }
  }
  return errors
}

function validateUpdate(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const [before, now] = [old.clusterIP, spec.clusterIP]
  if (old.type !== 'ExternalName' && spec.type !== 'ExternalName' && before && now !== before) {
    errors.push(
      now
        ? fieldErrors.invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [now], 'may not change once set')
        : fieldErrors.invalid('spec.clusterIPs[0]', [], 'primary clusterIP can not be unset')
    )
  }
  if (old.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && old.loadBalancerClass) {
    errors.push(
      ...immutable(spec.loadBalancerClass, old.loadBalancerClass, 'spec.loadBalancerClass').map((error) => ({
        ...error,
        message: error.message.replace('field is immutable', 'may not change once set')
      }))
    )
  }
  return errors
}
