import { allContainers } from '../defaults/pod-spec.js'
import type { Container, PodSpec } from '../types.js'

/** Warnings of upstream (pkg/api/pod GetWarningsForPodSpec), and what mk accepts but does not do. `at` is `spec` or `spec.template.spec`. */
export function podWarnings(spec: PodSpec, at: string): string[] {
  const notDone: [boolean, string][] = [
    [hasSelinux(spec), `${at}.securityContext.seLinuxOptions: mk does not apply SELinux options`],
    [limitsDisk(spec), `${at}.containers: mk does not enforce limits of ephemeral-storage`]
  ]
  return [
    ...notDone.filter(([given]) => given).map(([, text]) => text),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, i) =>
        containerWarnings(container, `${at}.${list}[${String(i)}]`)
      )
    )
  ]
}

const hasSelinux = (spec: PodSpec) =>
  spec.securityContext?.seLinuxOptions !== undefined ||
  allContainers(spec).some((container) => container.securityContext?.seLinuxOptions !== undefined)

const limitsDisk = (spec: PodSpec) =>
  allContainers(spec).some((container) => container.resources?.limits?.['ephemeral-storage'] !== undefined)

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
