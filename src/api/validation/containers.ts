import type { FieldError } from '../../base/status.js'
import type { Container, PodSpec, SeccompProfile, SecurityContext } from '../types.js'
import { validateEnvironment } from './env.js'
import { fieldErrors, invalidAll, messages, oneOf } from './field-errors.js'
import { dnsLabelProblems, isPort, portNameProblems } from './names.js'
import { validateProbes } from './probes.js'
import { validateResourceRequirements } from './resources.js'
import { validateVolumeMounts } from './volumes.js'

/** core ValidateContainers and ValidateInitContainers */
export function validateContainers(spec: PodSpec, at: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map((volume) => volume.name))
  const names = new Set<string>()
  const errors: FieldError[] = []
  const named = (container: Container, field: string) => {
    if (!container.name) errors.push(fieldErrors.required(`${field}.name`))
    else errors.push(...invalidAll(`${field}.name`, container.name, dnsLabelProblems(container.name)))
    if (names.has(container.name)) errors.push(fieldErrors.duplicate(`${field}.name`, container.name))
    names.add(container.name)
    errors.push(...validateContainer(container, volumes, field))
  }
  if ((spec.containers ?? []).length === 0) errors.push(fieldErrors.required(`${at}.containers`))
  const hostPorts = new Set<string>()
  ;(spec.containers ?? []).forEach((container, i) => {
    const field = `${at}.containers[${String(i)}]`
    named(container, field)
    errors.push(...validateProbes(container, field), ...validateHostPorts(container, hostPorts, field))
    if (!spec.hostNetwork) errors.push(...refuseHostPorts(container, field))
    if ((container.restartPolicyRules ?? []).length > 0 && !container.restartPolicy) {
      errors.push(
        fieldErrors.required(
          `${field}.restartPolicy`,
          'must specify restartPolicy when restart rules are used'
        )
      )
    }
    if (container.restartPolicy) {
      errors.push(
        fieldErrors.forbidden(
          `${field}.restartPolicy`,
          'mk supports restart policies of single containers only as Always on init containers'
        )
      )
    }
  })
  ;(spec.initContainers ?? []).forEach((container, i) => {
    const field = `${at}.initContainers[${String(i)}]`
    named(container, field)
    errors.push(...validateInitContainer(container, field), ...validateHostPorts(container, new Set(), field))
    if (!spec.hostNetwork) errors.push(...refuseHostPorts(container, field))
  })
  return errors
}

function validateContainer(container: Container, volumes: ReadonlySet<string>, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (!container.image) errors.push(fieldErrors.required(`${at}.image`))
  else if (container.image.trim() !== container.image) {
    errors.push(
      fieldErrors.invalid(`${at}.image`, container.image, 'must not have leading or trailing whitespace')
    )
  }
  errors.push(
    ...oneOf(
      container.imagePullPolicy,
      ['Always', 'IfNotPresent', 'Never'],
      `${at}.imagePullPolicy`,
      'required'
    ),
    ...oneOf(
      container.terminationMessagePolicy,
      ['FallbackToLogsOnError', 'File'],
      `${at}.terminationMessagePolicy`,
      'required'
    ),
    ...validatePorts(container, at),
    ...validateEnvironment(container, at),
    ...validateVolumeMounts(container, volumes, at),
    ...validateResourceRequirements(container.resources, `${at}.resources`),
    ...validateSecurityContext(container.securityContext, `${at}.securityContext`)
  )
  return errors
}

function validateInitContainer(container: Container, at: string): FieldError[] {
  if (container.restartPolicy === 'Always') return validateProbes(container, at)
  const errors =
    container.restartPolicy === undefined
      ? []
      : [fieldErrors.notSupported(`${at}.restartPolicy`, container.restartPolicy, ['Always'])]
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[name])
      errors.push(
        fieldErrors.forbidden(
          `${at}.${name}`,
          'may not be set for init containers without restartPolicy=Always'
        )
      )
  }
  return errors
}

function validatePorts(container: Container, at: string): FieldError[] {
  const names = new Set<string>()
  return (container.ports ?? []).flatMap((port, i) => {
    const field = `${at}.ports[${String(i)}]`
    const errors: FieldError[] = []
    if (port.name) {
      const problems = portNameProblems(port.name)
      errors.push(...invalidAll(`${field}.name`, port.name, problems))
      if (problems.length === 0 && names.has(port.name))
        errors.push(fieldErrors.duplicate(`${field}.name`, port.name))
      names.add(port.name)
    }
    if (!port.containerPort) errors.push(fieldErrors.required(`${field}.containerPort`))
    else if (!isPort(port.containerPort)) {
      errors.push(fieldErrors.invalid(`${field}.containerPort`, port.containerPort, messages.port))
    }
    if (port.hostPort && !isPort(port.hostPort)) {
      errors.push(fieldErrors.invalid(`${field}.hostPort`, port.hostPort, messages.port))
    }
    return [...errors, ...oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${field}.protocol`, 'required')]
  })
}

function validateHostPorts(container: Container, taken: Set<string>, at: string): FieldError[] {
  return (container.ports ?? []).flatMap((port, i) => {
    if (!port.hostPort) return []
    const key = `${port.protocol ?? ''}/${port.hostIP ?? ''}/${String(port.hostPort)}`
    const duplicate = taken.has(key)
    taken.add(key)
    return duplicate ? [fieldErrors.duplicate(`${at}.ports[${String(i)}].hostPort`, key)] : []
  })
}

/** Pods have a network of their own that the engine does not publish: a pod with host ports would never start. */
const refuseHostPorts = (container: Container, at: string): FieldError[] =>
  (container.ports ?? []).flatMap(({ hostPort }, i) =>
    hostPort
      ? [
          fieldErrors.forbidden(
            `${at}.ports[${String(i)}].hostPort`,
            'mk does not publish ports of pods on the host; expose the pod with a Service of type NodePort or ' +
              'LoadBalancer, or set hostNetwork: true'
          )
        ]
      : []
  )

/** Profiles that the kubelet would have to load are refused; also for the pod's own security context. */
export function validateSeccomp(profile: SeccompProfile | undefined, at: string): FieldError[] {
  if (!profile) return []
  if (profile.type === 'Localhost')
    return [fieldErrors.forbidden(`${at}.type`, 'mk does not load seccomp profiles')]
  return oneOf(profile.type, ['Localhost', 'RuntimeDefault', 'Unconfined'], `${at}.type`, 'required')
}

function validateSecurityContext(context: SecurityContext | undefined, at: string): FieldError[] {
  if (!context) return []
  const errors: FieldError[] = []
  for (const name of ['runAsUser', 'runAsGroup'] as const) {
    const id = context[name]
    if (id !== undefined && (id < 0 || id > 2147483647)) {
      errors.push(fieldErrors.invalid(`${at}.${name}`, id, 'must be between 0 and 2147483647, inclusive'))
    }
  }
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      errors.push(
        fieldErrors.invalid(
          at,
          context,
          'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'
        )
      )
    }
    if ((context.capabilities?.add ?? []).some((name) => name === 'CAP_SYS_ADMIN' || name === 'SYS_ADMIN')) {
      errors.push(
        fieldErrors.invalid(
          at,
          context,
          'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
        )
      )
    }
  }
  if (context.windowsOptions)
    errors.push(fieldErrors.forbidden(`${at}.windowsOptions`, 'mk runs Linux containers only'))
  if (context.procMount === 'Unmasked') {
    errors.push(fieldErrors.forbidden(`${at}.procMount`, 'mk supports the Default only'))
  }
  if (context.appArmorProfile?.type === 'Localhost') {
    errors.push(fieldErrors.forbidden(`${at}.appArmorProfile.type`, 'mk does not load AppArmor profiles'))
  }
  return [
    ...errors,
    ...validateSeccomp(context.seccompProfile, `${at}.seccompProfile`),
    ...oneOf(context.procMount, ['Default', 'Unmasked'], `${at}.procMount`)
  ]
}
