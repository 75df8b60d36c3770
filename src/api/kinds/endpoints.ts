import { isIP } from 'node:net'
import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn } from '../columns.js'
import type { Endpoints } from '../types.js'
import { fieldErrors, invalidAll, messages, oneOf } from '../validation/field-errors.js'
import { dnsLabelProblems, isPort } from '../validation/names.js'
import { defineKind } from './define-kind.js'

const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'

/** Addresses that point at the host or at no host (ValidateEndpointIP). */
export function endpointIpProblems(ip: string): string[] {
  if (isIP(ip) === 0) return [ipText]
  if (ip === '0.0.0.0' || ip === '::') return [`may not be unspecified (${ip})`]
  if (ip.startsWith('127.') || ip === '::1')
    return ['may not be in the loopback range (127.0.0.0/8, ::1/128)']
  if (ip.startsWith('169.254.') || /^fe[89ab]/i.test(ip))
    return ['may not be in the link-local range (169.254.0.0/16, fe80::/10)']
  if (/^224\.0\.0\./.test(ip) || /^ff02:/i.test(ip)) {
    return ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)']
  }
  return []
}

function validate(endpoints: Endpoints): FieldError[] {
  return (endpoints.subsets ?? []).flatMap((subset, i) => {
    const at = `subsets[${String(i)}]`
    const errors: FieldError[] = []
    if ((subset.addresses ?? []).length + (subset.notReadyAddresses ?? []).length === 0) {
      errors.push(fieldErrors.required(at, 'must specify `addresses` or `notReadyAddresses`'))
    }
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      ;(subset[list] ?? []).forEach((address, j) => {
        const field = `${at}.${list}[${String(j)}]`
        errors.push(...invalidAll(`${field}.ip`, address.ip, endpointIpProblems(address.ip)))
        if (address.hostname)
          errors.push(
            ...invalidAll(`${field}.hostname`, address.hostname, dnsLabelProblems(address.hostname))
          )
      })
    }
    const several = (subset.ports ?? []).length > 1
    ;(subset.ports ?? []).forEach((port, j) => {
      const field = `${at}.ports[${String(j)}]`
      if (several && !port.name) errors.push(fieldErrors.required(`${field}.name`))
      else if (port.name) errors.push(...invalidAll(`${field}.name`, port.name, dnsLabelProblems(port.name)))
      if (!isPort(port.port)) errors.push(fieldErrors.invalid(`${field}.port`, port.port, messages.port))
      errors.push(...oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${field}.protocol`, 'required'))
    })
    return errors
  })
}

/** `10.1.0.4:80,10.1.0.5:80 + 3 more...` (formatEndpoints) */
function format(endpoints: Endpoints): string {
  const subsets = endpoints.subsets ?? []
  if (subsets.length === 0) return '<none>'
  const shown: string[] = []
  let count = 0
  for (const { addresses = [], ports = [] } of subsets) {
    const each =
      ports.length === 0
        ? addresses.map((address) => address.ip)
        : ports.flatMap((port) => addresses.map((address) => `${address.ip}:${String(port.port)}`))
    shown.push(...each.slice(0, Math.max(0, 3 - shown.length)))
    count += each.length
  }
  const list = shown.join(',')
  return count > 3 ? `${list} + ${String(count - 3)} more...` : list
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  generation: false,
  applyDefaults: (object) => {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate,
  columns: [nameColumn, column('Endpoints', format), ageColumn]
})
