import type { Container, Pod } from '../api/types.js'

/**
 * What a pod asks for and mk can't do: such a pod waits with this message (CreateContainerConfigError), as running it
 * without would be a silent lie. Undefined when all can be done.
 */
export function unsupportedFeature(pod: Pod): string | undefined {
  const { spec } = pod
  if (spec.os?.name !== undefined && spec.os.name !== 'linux')
    return `os ${spec.os.name}: mk runs Linux containers`
  if (spec.hostUsers === false) return 'hostUsers: false (user namespaces) is not supported by mk'
  if (spec.resourceClaims?.length) return 'resourceClaims (dynamic resources) are not supported by mk'
  if (spec.runtimeClassName) return 'runtimeClassName is not supported by mk'
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const feature = unsupportedInContainer(container, pod)
    if (feature !== undefined) return `container "${container.name}": ${feature}`
  }
  return undefined
}

function unsupportedInContainer(container: Container, pod: Pod): string | undefined {
  const security = container.securityContext ?? {}
  if (container.volumeDevices?.length) return 'volumeDevices are not supported by mk'
  if (security.procMount !== undefined && security.procMount !== 'Default')
    return `procMount ${security.procMount} is not supported by mk`
  const appArmor = security.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile
  if (appArmor?.type === 'Localhost') return 'appArmorProfile of type Localhost is not supported by mk'
  return undefined
}
