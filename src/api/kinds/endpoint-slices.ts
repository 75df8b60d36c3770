import { isIP } from 'node:net'
import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn } from '../columns.js'
import type { EndpointSlice } from '../types.js'
import { fieldErrors, immutable, invalidAll, messages, oneOf, sameValue } from '../validation/field-errors.js'
import { dnsLabelProblems, dnsSubdomainProblems, isPort } from '../validation/names.js'
import { defineKind } from './define-kind.js'
import { endpointIpProblems } from './endpoints.js'

const maxEndpoints = 1000
const maxAddresses = 100

function addressProblems(type: string, address: string): string[] {
  if (type === 'FQDN') return dnsSubdomainProblems(address)
  const wanted = type === 'IPv6' ? 6 : 4
  if (isIP(address) !== wanted) return [`must be a valid ${wanted === 4 ? 'IPv4' : 'IPv6'} address`]
  return endpointIpProblems(address)
}

function validateEndpoints(slice: EndpointSlice): FieldError[] {
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > maxEndpoints)
    return [fieldErrors.tooMany('endpoints', endpoints.length, maxEndpoints)]
  return endpoints.flatMap(({ addresses = [], hostname }, i) => {
    const at = `endpoints[${String(i)}]`
    const errors = addresses.flatMap((address, j) =>
      invalidAll(`${at}.addresses[${String(j)}]`, address, addressProblems(slice.addressType, address))
    )
    if (addresses.length === 0)
      errors.push(fieldErrors.required(`${at}.addresses`, 'must contain at least 1 address'))
    if (addresses.length > maxAddresses)
      errors.push(fieldErrors.tooMany(`${at}.addresses`, addresses.length, maxAddresses))
    if (hostname) errors.push(...invalidAll(`${at}.hostname`, hostname, dnsLabelProblems(hostname)))
    return errors
  })
}

function validatePorts(slice: EndpointSlice): FieldError[] {
  const names = new Set<string>()
  return (slice.ports ?? []).flatMap((port, i) => {
    const at = `ports[${String(i)}]`
    const name = port.name ?? ''
    const errors = name ? invalidAll(`${at}.name`, name, dnsLabelProblems(name)) : []
    if (names.has(name)) errors.push(fieldErrors.duplicate(`${at}.name`, name))
    names.add(name)
    if (port.port !== undefined && !isPort(port.port))
      errors.push(fieldErrors.invalid(`${at}.port`, port.port, messages.port))
    return [...errors, ...oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${at}.protocol`, 'required')]
  })
}

/** At most three, then how many more (formatDiscoveryPorts, formatDiscoveryEndpoints). */
const shortList = (items: readonly string[], none: string) =>
  items.length === 0
    ? none
    : items.slice(0, 3).join(',') + (items.length > 3 ? ` + ${String(items.length - 3)} more...` : '')

export const endpointSlices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  applyDefaults: (slice) => {
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {}
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ||= 'TCP'
    }
  },
  validate: (slice, old) => [
    ...oneOf(slice.addressType, ['FQDN', 'IPv4', 'IPv6'], 'addressType', 'required'),
    ...validateEndpoints(slice),
    ...validatePorts(slice),
    ...(old ? immutable(slice.addressType, old.addressType, 'addressType') : [])
  ],
  // Labels count too: they say which service the slice belongs to (endpointSliceStrategy.PrepareForUpdate).
  generation: (slice, old) =>
    !sameValue(slice.endpoints, old.endpoints) ||
    !sameValue(slice.ports, old.ports) ||
    !sameValue(slice.metadata.labels, old.metadata.labels),
  columns: [
    nameColumn,
    column('AddressType', (slice) => slice.addressType),
    column('Ports', (slice) =>
      shortList(
        (slice.ports ?? []).map((port) => (port.port === undefined ? '*' : String(port.port))),
        '<unset>'
      )
    ),
    column('Endpoints', (slice) =>
      shortList(
        (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses),
        '<unset>'
      )
    ),
    ageColumn
  ]
})
