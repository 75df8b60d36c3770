import { isIPv4 } from 'node:net'
import type { FieldError } from '../../base/status.js'
import type { PodSpec, PodTemplateSpec } from '../types.js'
import { validateContainers, validateSeccomp } from './containers.js'
import { fieldErrors, invalidAll, oneOf } from './field-errors.js'
import { validateLabels } from './labels.js'
import { dnsLabelProblems, dnsSubdomainProblems, qualifiedNameProblems } from './names.js'
import { validateAffinity, validateSpreading, validateTolerations } from './placement.js'
import { validateVolumes } from './volumes.js'

/** core ValidatePodSpec, and what mk cannot run. `at` is `spec` or `spec.template.spec`. */
export function validatePodSpec(spec: PodSpec, at: string): FieldError[] {
  return [
    ...validateVolumes(spec, at),
    ...validateContainers(spec, at),
    ...oneOf(spec.restartPolicy, ['Always', 'Never', 'OnFailure'], `${at}.restartPolicy`, 'required'),
    ...oneOf(
      spec.dnsPolicy,
      ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
      `${at}.dnsPolicy`,
      'required'
    ),
    ...validateDns(spec, at),
    ...validateNames(spec, at),
    ...validateLabels(spec.nodeSelector, `${at}.nodeSelector`),
    ...validateNumbers(spec, at),
    ...validateTolerations(spec.tolerations ?? [], `${at}.tolerations`),
    ...validateAffinity(spec, `${at}.affinity`),
    ...validateSpreading(spec, `${at}.topologySpreadConstraints`),
    ...validateHost(spec, at),
    ...validateSeccomp(spec.securityContext?.seccompProfile, `${at}.securityContext.seccompProfile`),
    ...validateUnsupported(spec, at)
  ]
}

/** core ValidatePodTemplateSpec: the template of a workload. */
export function validatePodTemplate(template: PodTemplateSpec, at: string): FieldError[] {
  return [
    ...validateLabels(template.metadata?.labels, `${at}.labels`),
    ...Object.keys(template.metadata?.annotations ?? {}).flatMap((key) =>
      invalidAll(`${at}.annotations`, key, qualifiedNameProblems(key.toLowerCase()))
    ),
    ...(template.spec ? validatePodSpec(template.spec, `${at}.spec`) : []),
    ...((template.spec?.ephemeralContainers ?? []).length > 0
      ? [
          fieldErrors.forbidden(
            `${at}.spec.ephemeralContainers`,
            'ephemeral containers not allowed in pod template'
          )
        ]
      : [])
  ]
}

function validateNames(spec: PodSpec, at: string): FieldError[] {
  const subdomains = ['serviceAccountName', 'nodeName', 'priorityClassName'] as const
  return [
    ...subdomains.flatMap((name) =>
      spec[name] ? invalidAll(`${at}.${name}`, spec[name], dnsSubdomainProblems(spec[name])) : []
    ),
    ...(['hostname', 'subdomain'] as const).flatMap((name) =>
      spec[name] ? invalidAll(`${at}.${name}`, spec[name], dnsLabelProblems(spec[name])) : []
    ),
    ...(spec.imagePullSecrets ?? []).flatMap((secret, i) =>
      secret.name ? [] : [fieldErrors.required(`${at}.imagePullSecrets[${String(i)}].name`)]
    )
  ]
}

function validateNumbers(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = []
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 1 || deadline > 2147483647)) {
    errors.push(
      fieldErrors.invalid(
        `${at}.activeDeadlineSeconds`,
        deadline,
        'must be between 1 and 2147483647, inclusive'
      )
    )
  }
  const grace = spec.terminationGracePeriodSeconds
  if (grace !== undefined && grace < 0) {
    errors.push(
      fieldErrors.invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0')
    )
  }
  return errors
}

function validateDns(spec: PodSpec, at: string): FieldError[] {
  const servers = spec.dnsConfig?.nameservers ?? []
  const searches = spec.dnsConfig?.searches ?? []
  const field = `${at}.dnsConfig`
  const errors: FieldError[] = []
  if (spec.dnsPolicy === 'None') {
    if (!spec.dnsConfig) {
      errors.push(fieldErrors.required(field, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    } else if (servers.length === 0) {
      errors.push(
        fieldErrors.required(
          `${field}.nameservers`,
          'must provide at least one DNS nameserver when `dnsPolicy` is None'
        )
      )
    }
  }
  if (servers.length > 3) {
    errors.push(fieldErrors.invalid(`${field}.nameservers`, servers, 'must not have more than 3 nameservers'))
  }
  servers.forEach((server, i) => {
    if (!isIPv4(server) && !server.includes(':')) {
      errors.push(
        fieldErrors.invalid(
          `${field}.nameservers[${String(i)}]`,
          server,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        )
      )
    }
  })
  if (searches.length > 32) {
    errors.push(fieldErrors.invalid(`${field}.searches`, searches, 'must not have more than 32 search paths'))
  }
  searches.forEach((search, i) => {
    if (search !== '.') {
      errors.push(
        ...invalidAll(
          `${field}.searches[${String(i)}]`,
          search,
          dnsSubdomainProblems(search.replace(/\.$/, '').replaceAll('_', '-'))
        )
      )
    }
  })
  return errors
}

function validateHost(spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (spec.hostNetwork) {
    ;(spec.containers ?? []).forEach((container, i) =>
      (container.ports ?? []).forEach((port, j) => {
        if (port.hostPort !== port.containerPort) {
          errors.push(
            fieldErrors.invalid(
              `${at}.containers[${String(i)}].ports[${String(j)}].hostPort`,
              port.hostPort,
              'must match `containerPort` when `hostNetwork` is true'
            )
          )
        }
      })
    )
  }
  if (spec.hostPID && spec.shareProcessNamespace) {
    errors.push(
      fieldErrors.invalid(
        `${at}.shareProcessNamespace`,
        true,
        'ShareProcessNamespace and HostPID cannot both be enabled'
      )
    )
  }
  ;(spec.hostAliases ?? []).forEach((alias, i) => {
    const field = `${at}.hostAliases[${String(i)}]`
    if (!isIPv4(alias.ip) && !alias.ip.includes(':')) {
      errors.push(
        fieldErrors.invalid(
          `${field}.ip`,
          alias.ip,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        )
      )
    }
    for (const host of alias.hostnames ?? []) {
      errors.push(...invalidAll(`${field}.hostnames`, host, dnsSubdomainProblems(host)))
    }
  })
  return errors
}

/** What nothing in mk can run is refused, never ignored. */
function validateUnsupported(spec: PodSpec, at: string): FieldError[] {
  const refused: [boolean, string, string][] = [
    [spec.os?.name === 'windows', 'os', 'mk runs Linux containers only'],
    [
      Boolean(spec.runtimeClassName),
      'runtimeClassName',
      `pod rejected: RuntimeClass "${spec.runtimeClassName ?? ''}" not found`
    ],
    [
      (spec.resourceClaims ?? []).length > 0,
      'resourceClaims',
      'mk does not support dynamic resource allocation'
    ],
    [
      spec.resources !== undefined,
      'resources',
      'mk does not support resources of whole pods; set them on containers'
    ],
    [spec.hostUsers === false, 'hostUsers', 'mk does not support user namespaces'],
    [
      spec.securityContext?.windowsOptions !== undefined,
      'securityContext.windowsOptions',
      'mk runs Linux containers only'
    ],
    [
      spec.securityContext?.appArmorProfile?.type === 'Localhost',
      'securityContext.appArmorProfile.type',
      'mk does not load AppArmor profiles'
    ],
    [
      spec.securityContext?.supplementalGroupsPolicy === 'Strict',
      'securityContext.supplementalGroupsPolicy',
      'the engine adds the groups that the image gives the user; mk supports Merge only'
    ],
    [
      Boolean(spec.hostnameOverride),
      'hostnameOverride',
      'mk does not support overriding host names; use hostname and subdomain'
    ],
    [spec.schedulingGroup !== undefined, 'schedulingGroup', 'mk does not support gang scheduling']
  ]
  return refused
    .filter(([given]) => given)
    .map(([, field, why]) => fieldErrors.forbidden(`${at}.${field}`, why))
}
