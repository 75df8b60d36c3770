import { allContainers } from '../defaults/pod-spec.js'
import type { Container, PodSpec, PodTemplateSpec } from '../types.js'
import { sameValue } from '../validation/field-errors.js'

/**
 * Warnings of upstream (pkg/api/pod GetWarningsForPodSpec), and what mk accepts but does not do. `at` is `spec` or
 * `spec.template.spec`.
 */
export function podWarnings(spec: PodSpec, at: string): string[] {
  return [
    ...notDone(spec, at),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, i) =>
        containerWarnings(container, `${at}.${list}[${String(i)}]`)
      )
    )
  ]
}

/** The same for the template of a workload, told again only when it changes. */
export function templateWarnings(
  template: PodTemplateSpec | undefined,
  old: PodTemplateSpec | undefined
): string[] {
  if (!template?.spec || (old && sameValue(template, old))) return []
  return podWarnings(template.spec, 'spec.template.spec')
}

function notDone(spec: PodSpec, at: string): string[] {
  const { schedulerName, serviceAccountName } = spec
  const rules: [boolean, string, string][] = [
    [
      Boolean(schedulerName) && schedulerName !== 'default-scheduler',
      'schedulerName',
      `mk runs the default-scheduler only; the pod waits until something named ${schedulerName ?? ''} binds it to a node`
    ],
    [
      Boolean(serviceAccountName) && serviceAccountName !== 'default',
      'serviceAccountName',
      'mk has no RBAC yet: the API answers requests with the token of a service account with 403 Forbidden'
    ],
    [
      securityOf(spec).some((context) => context?.seLinuxOptions !== undefined),
      'securityContext.seLinuxOptions',
      'mk does not apply SELinux options'
    ],
    [
      securityOf(spec).some((context) => context?.appArmorProfile?.type === 'Unconfined'),
      'securityContext.appArmorProfile',
      'mk leaves AppArmor to the engine, which applies its default profile'
    ],
    [
      allContainers(spec).some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined),
      'containers',
      'mk does not enforce limits of ephemeral-storage'
    ],
    [
      allContainers(spec).some(({ resizePolicy = [] }) => resizePolicy.length > 0),
      'containers',
      'mk does not resize pods in place; resizePolicy has no effect'
    ]
  ]
  return [
    ...rules.filter(([given]) => given).map(([, field, text]) => `${at}.${field}: ${text}`),
    ...(spec.volumes ?? []).flatMap(({ emptyDir }, i) =>
      emptyDir?.sizeLimit !== undefined && emptyDir.medium !== 'Memory'
        ? [
            `${at}.volumes[${String(i)}].emptyDir.sizeLimit: mk does not enforce it on disk, only for the medium Memory`
          ]
        : []
    )
  ]
}

const securityOf = (spec: PodSpec) => [
  spec.securityContext,
  ...allContainers(spec).map(({ securityContext }) => securityContext)
]

function containerWarnings(container: Container, at: string): string[] {
  const warnings: string[] = []
  const names = new Set<string>()
  ;(container.env ?? []).forEach(({ name, value = '' }, i) => {
    // A later definition that uses the earlier value is meant.
    if (names.has(name) && !value.includes(`$(${name})`)) {
      warnings.push(
        `${at}.env[${String(i)}]: hides previous definition of "${name}", which may be dropped when using apply`
      )
    }
    names.add(name)
  })
  const ports = new Map<string, number>()
  ;(container.ports ?? []).forEach((port, i) => {
    const key = `${String(port.containerPort)}/${port.protocol ?? 'TCP'}`
    const before = ports.get(key)
    if (before !== undefined) {
      warnings.push(
        `${at}.ports[${String(i)}]: duplicate port definition with ${at}.ports[${String(before)}]`
      )
    }
    ports.set(key, i)
  })
  return warnings
}
