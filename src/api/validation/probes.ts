import type { FieldError } from '../../base/status.js'
import type { Container, ExecAction, HTTPGetAction, IntOrString, Lifecycle, Probe } from '../types.js'
import { fieldErrors, invalidAll, messages, nonNegative, oneOf } from './field-errors.js'
import { isPort, portNameProblems } from './names.js'

/** A port number, or the name of a port (core ValidatePortNumOrName). */
export function validatePort(port: IntOrString, field: string): FieldError[] {
  if (typeof port === 'string') return invalidAll(field, port, portNameProblems(port))
  return isPort(port) ? [] : [fieldErrors.invalid(field, port, messages.port)]
}

interface Handler {
  exec?: ExecAction | undefined
  httpGet?: HTTPGetAction | undefined
  tcpSocket?: { port: IntOrString } | undefined
  grpc?: { port: number } | undefined
  sleep?: { seconds: number } | undefined
}

function validateHandler(handler: Handler, at: string): FieldError[] {
  const errors: FieldError[] = []
  const given = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (name) => handler[name] !== undefined
  )
  for (const extra of given.slice(1)) {
    errors.push(fieldErrors.forbidden(`${at}.${extra}`, 'may not specify more than 1 handler type'))
  }
  if (given.length === 0) errors.push(fieldErrors.required(at, 'must specify a handler type'))
  const { exec, httpGet, tcpSocket, grpc } = handler
  if (exec && (exec.command ?? []).length === 0) errors.push(fieldErrors.required(`${at}.exec.command`))
  if (httpGet) errors.push(...validateHttpGet(httpGet, `${at}.httpGet`))
  if (tcpSocket) errors.push(...validatePort(tcpSocket.port, `${at}.tcpSocket.port`))
  if (grpc && !isPort(grpc.port))
    errors.push(fieldErrors.invalid(`${at}.grpc.port`, grpc.port, messages.port))
  return errors
}

function validateHttpGet(action: HTTPGetAction, at: string): FieldError[] {
  return [
    ...(action.path ? [] : [fieldErrors.required(`${at}.path`)]),
    ...validatePort(action.port, `${at}.port`),
    ...oneOf(action.scheme, ['HTTP', 'HTTPS'], `${at}.scheme`, 'required'),
    ...(action.httpHeaders ?? []).flatMap((header, i) =>
      /^[-A-Za-z0-9]+$/.test(header.name)
        ? []
        : [
            fieldErrors.invalid(
              `${at}.httpHeaders[${String(i)}].name`,
              header.name,
              "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for " +
                "validation is '[-A-Za-z0-9]+')"
            )
          ]
    )
  ]
}

const numbers = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold'
] as const

function validateProbe(probe: Probe, at: string): FieldError[] {
  const grace = probe.terminationGracePeriodSeconds
  return [
    ...validateHandler(probe, at),
    ...numbers.flatMap((name) => nonNegative(probe[name], `${at}.${name}`)),
    ...(grace !== undefined && grace <= 0
      ? [fieldErrors.invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0')]
      : [])
  ]
}

/** Probes and lifecycle hooks of one container (core validateLivenessProbe and its siblings). */
export function validateProbes(container: Container, at: string): FieldError[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  const errors: FieldError[] = []
  for (const [name, probe] of Object.entries({ livenessProbe, startupProbe })) {
    if (!probe) continue
    errors.push(...validateProbe(probe, `${at}.${name}`))
    if (probe.successThreshold !== 1) {
      errors.push(fieldErrors.invalid(`${at}.${name}.successThreshold`, probe.successThreshold, 'must be 1'))
    }
  }
  if (readinessProbe) {
    errors.push(...validateProbe(readinessProbe, `${at}.readinessProbe`))
    if (readinessProbe.terminationGracePeriodSeconds !== undefined) {
      errors.push(
        fieldErrors.invalid(
          `${at}.readinessProbe.terminationGracePeriodSeconds`,
          readinessProbe.terminationGracePeriodSeconds,
          'must not be set for readinessProbes'
        )
      )
    }
  }
  return [...errors, ...validateLifecycle(lifecycle, `${at}.lifecycle`)]
}

function validateLifecycle(lifecycle: Lifecycle | undefined, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (lifecycle?.postStart) errors.push(...validateHandler(lifecycle.postStart, `${at}.postStart`))
  if (lifecycle?.preStop) errors.push(...validateHandler(lifecycle.preStop, `${at}.preStop`))
  return errors
}
