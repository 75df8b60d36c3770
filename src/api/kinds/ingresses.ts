import { isIP } from 'node:net'
import type { FieldError } from '../../base/status.js'
import { ageColumn, column, nameColumn } from '../columns.js'
import type { HTTPIngressPath, Ingress, IngressBackend } from '../types.js'
import { fieldErrors, invalidAll, messages, oneOf } from '../validation/field-errors.js'
import {
  dns1035LabelProblems,
  dnsSubdomainProblems,
  isPort,
  portNameProblems,
  wildcardSubdomainProblems
} from '../validation/names.js'
import { ingressWarnings } from '../warnings/ingress-warnings.js'
import { defineKind, statusSubresource } from './define-kind.js'

const hostProblems = (host: string): string[] =>
  host.includes('*') ? wildcardSubdomainProblems(host) : dnsSubdomainProblems(host)

/** networking ValidateIngress */
function validate({ spec }: Ingress): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.defaultBackend && (spec.rules ?? []).length === 0) {
    errors.push(
      fieldErrors.invalid('spec', spec.rules ?? [], 'either `defaultBackend` or `rules` must be specified')
    )
  }
  if (spec.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend'))
  if (spec.ingressClassName !== undefined) {
    errors.push(
      ...invalidAll(
        'spec.ingressClassName',
        spec.ingressClassName,
        dnsSubdomainProblems(spec.ingressClassName)
      )
    )
  }
  ;(spec.rules ?? []).forEach((rule, i) => {
    const at = `spec.rules[${String(i)}]`
    if (rule.host) {
      if (isIP(rule.host) !== 0)
        errors.push(fieldErrors.invalid(`${at}.host`, rule.host, 'must be a DNS name, not an IP address'))
      else errors.push(...invalidAll(`${at}.host`, rule.host, hostProblems(rule.host)))
    }
    if (rule.http && (rule.http.paths ?? []).length === 0)
      errors.push(fieldErrors.required(`${at}.http.paths`))
    ;(rule.http?.paths ?? []).forEach((path, j) => {
      errors.push(...validatePath(path, `${at}.http.paths[${String(j)}]`))
    })
  })
  ;(spec.tls ?? []).forEach((tls, i) =>
    (tls.hosts ?? []).forEach((host, j) => {
      errors.push(...invalidAll(`spec.tls[${String(i)}].hosts[${String(j)}]`, host, hostProblems(host)))
    })
  )
  return errors
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']
const forbiddenSequences = ['//', '/./', '/../', '%2f', '%2F']
const forbiddenSuffixes = ['/..', '/.']

function validatePath(rule: HTTPIngressPath, at: string): FieldError[] {
  const { path = '', pathType } = rule
  const errors: FieldError[] = []
  if (!pathType) errors.push(fieldErrors.required(`${at}.pathType`, 'pathType must be specified'))
  else if (pathType === 'ImplementationSpecific') {
    if (path && !path.startsWith('/'))
      errors.push(fieldErrors.invalid(`${at}.path`, path, 'must be an absolute path'))
  } else if (!pathTypes.includes(pathType)) {
    errors.push(...oneOf(pathType, pathTypes, `${at}.pathType`))
  } else if (!path.startsWith('/')) {
    errors.push(fieldErrors.invalid(`${at}.path`, path, 'must be an absolute path'))
  } else {
    for (const sequence of forbiddenSequences.filter((text) => path.includes(text))) {
      errors.push(fieldErrors.invalid(`${at}.path`, path, `must not contain '${sequence}'`))
    }
    for (const suffix of forbiddenSuffixes.filter((text) => path.endsWith(text))) {
      errors.push(fieldErrors.invalid(`${at}.path`, path, `cannot end with '${suffix}'`))
    }
  }
  return [...errors, ...validateBackend(rule.backend, `${at}.backend`)]
}

function validateBackend(backend: IngressBackend | undefined, at: string): FieldError[] {
  if (backend?.resource) {
    return [fieldErrors.forbidden(`${at}.resource`, 'mk routes to services only')]
  }
  const service = backend?.service
  if (!service) return [fieldErrors.required(at, 'cannot have both resource and service empty')]
  const { name = '', number = 0 } = service.port ?? {}
  const field = `${at}.service`
  const errors = service.name
    ? invalidAll(`${field}.name`, service.name, dns1035LabelProblems(service.name))
    : [fieldErrors.required(`${field}.name`)]
  if (name && number) errors.push(fieldErrors.invalid(field, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...invalidAll(`${field}.port.name`, name, portNameProblems(name)))
  else if (number)
    errors.push(
      ...(isPort(number) ? [] : [fieldErrors.invalid(`${field}.port.number`, number, messages.port)])
    )
  else errors.push(fieldErrors.required(field, 'port name or number is required'))
  return errors
}

/** `a.example,b.example + 1 more...` (formatHosts) */
function hosts({ spec }: Ingress): string {
  const list = (spec.rules ?? []).map((rule) => rule.host ?? '').filter((host) => host !== '')
  if (list.length === 0) return '*'
  return list.slice(0, 3).join(',') + (list.length > 3 ? ` + ${String(list.length - 3)} more...` : '')
}

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  subresources: [statusSubresource],
  applyDefaults: (ingress) => {
    ingress.spec ??= {}
    ingress.status ??= {}
    ingress.status.loadBalancer ??= {}
  },
  prepareForCreate: (ingress) => {
    ingress.status = { loadBalancer: {} }
  },
  validate,
  warnings: ingressWarnings,
  columns: [
    nameColumn,
    column(
      'Class',
      ({ spec, metadata }) =>
        spec.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'] ?? '<none>'
    ),
    column('Hosts', hosts),
    column('Address', ({ status }) =>
      (status?.loadBalancer?.ingress ?? []).map((i) => i.ip || (i.hostname ?? '')).join(',')
    ),
    column('Ports', ({ spec }) => ((spec.tls ?? []).length > 0 ? '80, 443' : '80')),
    ageColumn
  ]
})
