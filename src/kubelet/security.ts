import type { Container, Pod, SeccompProfile } from '../api/types.js'
import type { ImageState } from '../runtime/runtime.js'
import { ContainerConfigError } from './container-config-error.js'

export interface SecuritySettings {
  user?: string
  supplementalGroups: number[]
  capabilitiesAdd: readonly string[]
  capabilitiesDrop: readonly string[]
  privileged: boolean
  readOnlyRootFilesystem: boolean
  noNewPrivileges: boolean
  seccompProfile?: string
}

/**
 * The security context of a container over that of its pod, checked against the image (kubelet
 * DetermineEffectiveSecurityContext and verifyRunAsNonRoot).
 * @throws ContainerConfigError when runAsNonRoot does not hold, or for a profile that mk can't load
 */
export function securitySettings(pod: Pod, container: Container, image: ImageState): SecuritySettings {
  const own = container.securityContext ?? {}
  const shared = pod.spec.securityContext ?? {}
  const runAsUser = own.runAsUser ?? shared.runAsUser
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup
  if ((own.runAsNonRoot ?? shared.runAsNonRoot) === true) verifyNonRoot(pod, container, image, runAsUser)
  const user = userOf(runAsUser, runAsGroup, image)
  const seccompProfile = seccompOf(own.seccompProfile ?? shared.seccompProfile)
  const { fsGroup, supplementalGroups = [] } = shared
  return {
    ...(user === undefined ? {} : { user }),
    supplementalGroups: [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])],
    capabilitiesAdd: own.capabilities?.add ?? [],
    capabilitiesDrop: own.capabilities?.drop ?? [],
    privileged: own.privileged === true,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem === true,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    ...(seccompProfile === undefined ? {} : { seccompProfile })
  }
}

/** `uid:gid`; a group alone goes with the image's user. */
function userOf(
  runAsUser: number | undefined,
  runAsGroup: number | undefined,
  image: ImageState
): string | undefined {
  const name = runAsUser === undefined ? (image.user.split(':')[0] ?? '') : String(runAsUser)
  if (runAsGroup !== undefined) return `${name === '' ? '0' : name}:${String(runAsGroup)}`
  return runAsUser === undefined ? undefined : name
}

function verifyNonRoot(
  pod: Pod,
  { name }: Container,
  image: ImageState,
  runAsUser: number | undefined
): void {
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid})", container: ${name})`
  if (runAsUser === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`)
  if (runAsUser !== undefined) return
  const user = image.user.split(':')[0] ?? ''
  if (user === '' || user === '0' || user === 'root')
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`)
  if (!/^\d+$/.test(user)) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${where}`
    )
  }
}

function seccompOf(profile: SeccompProfile | undefined): string | undefined {
  if (!profile || profile.type === 'RuntimeDefault') return undefined
  if (profile.type === 'Unconfined') return 'unconfined'
  throw new ContainerConfigError(`seccomp profile of type ${profile.type} is not supported by mk`)
}
