import type { Container, VolumeMount } from '../api/types.js'
import type { Mount } from '../runtime/runtime.js'
import { checkSubPath, resolveSubPath } from '../volumes/sub-path.js'
import type { MountedVolume } from '../volumes/volume.js'
import { ContainerConfigError } from './container-config-error.js'
import { expand } from './expansion.js'

export interface MountsInput {
  container: Container
  /** The pod's volumes, by name. */
  volumes: ReadonlyMap<string, MountedVolume>
  env: ReadonlyMap<string, string>
  /** Host paths of the pod's hosts file and of the file that takes the container's last words. */
  hostsFile: string
  terminationMessageFile: string
}

const propagations: Record<string, Mount['propagation']> = {
  HostToContainer: 'rslave',
  Bidirectional: 'rshared'
}

/** The mounts of a container: its volumes, then what the kubelet manages unless the container mounts its own there. */
export async function containerMounts(input: MountsInput): Promise<Mount[]> {
  const mounts: Mount[] = []
  for (const mount of input.container.volumeMounts ?? []) mounts.push(await volumeMount(mount, input))
  const { hostsFile, terminationMessageFile, container } = input
  const managed: [string, string][] = [
    [hostsFile, '/etc/hosts'],
    [terminationMessageFile, container.terminationMessagePath ?? '/dev/termination-log']
  ]
  for (const [source, target] of managed) {
    if (target === '' || mounts.some((mount) => mount.target === target)) continue
    mounts.push({ type: 'bind', source, target, readOnly: false })
  }
  return mounts
}

async function volumeMount(mount: VolumeMount, { volumes, env }: MountsInput): Promise<Mount> {
  const volume = volumes.get(mount.name)
  if (!volume)
    throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into the container`)
  const subPath = mount.subPathExpr === undefined ? mount.subPath : expandedSubPath(mount.subPathExpr, env)
  const source = subPath ? await subPathOf(volume, subPath) : volume.source
  const propagation = propagations[mount.mountPropagation ?? '']
  return {
    type: volume.type,
    source,
    target: mount.mountPath,
    readOnly: mount.readOnly === true,
    ...(propagation ? { propagation } : {})
  }
}

/** Unlike in commands, a name that is not defined is an error here (ExpandContainerVolumeMounts). */
function expandedSubPath(expression: string, env: ReadonlyMap<string, string>): string {
  const missing: string[] = []
  const path = expand(expression, (name) => {
    const value = env.get(name)
    if (value === undefined) missing.push(name)
    return value
  })
  if (missing.length > 0)
    throw new ContainerConfigError(`failed to expand subPathExpr: missing value for "${missing[0] ?? ''}"`)
  return path
}

async function subPathOf(volume: MountedVolume, subPath: string): Promise<string> {
  try {
    checkSubPath(subPath)
    if (volume.type === 'volume') throw new Error('subPath of a Memory volume is not supported by mk')
    return await resolveSubPath(volume.source, subPath)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount: ${reason}`)
  }
}
