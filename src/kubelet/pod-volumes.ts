import { mkdir, readdir, rm } from 'node:fs/promises'
import type { Pod, Volume } from '../api/types.js'
import { messageOf } from '../base/errors.js'
import type { RuntimeVolumes } from '../runtime/runtime.js'
import type { DownwardFacts } from '../volumes/downward-fields.js'
import { tmpfsName } from '../volumes/empty-dir.js'
import { findVolumePlugin, volumeTypeOf } from '../volumes/registry.js'
import type { MountedVolume, VolumeSources } from '../volumes/volume.js'
import { VolumeError } from '../volumes/volume.js'
import type { PodPaths } from './pod-directory.js'

export interface PodVolumesOptions {
  paths: PodPaths
  sources: VolumeSources
  engineVolumes: RuntimeVolumes
}

/** The volumes of one pod, mounted all together; mounting again brings them up to date. */
export class PodVolumes {
  readonly #options: PodVolumesOptions
  #mounted = new Map<string, MountedVolume>()

  constructor(options: PodVolumesOptions) {
    this.#options = options
  }

  get mounted(): ReadonlyMap<string, MountedVolume> {
    return this.#mounted
  }

  /** When something in them (a token) has to be made anew. */
  get refreshAt(): Date | undefined {
    const dates = [...this.#mounted.values()].flatMap(({ refreshAt }) => (refreshAt ? [refreshAt] : []))
    return dates.sort((a, b) => a.getTime() - b.getTime())[0]
  }

  /** @throws VolumeError with upstream's text of the event FailedMount */
  async mount(pod: Pod, facts: DownwardFacts, now: Date): Promise<void> {
    const volumes = pod.spec.volumes ?? []
    const mounted = await Promise.all(
      volumes.map(async (volume) => [volume.name, await this.#mountOne(pod, volume, facts, now)] as const)
    )
    this.#mounted = new Map(mounted)
  }

  async #mountOne(pod: Pod, volume: Volume, facts: DownwardFacts, now: Date): Promise<MountedVolume> {
    const { paths, sources, engineVolumes } = this.#options
    const plugin = findVolumePlugin(volume)
    const failed = `MountVolume.SetUp failed for volume "${volume.name}" : `
    if (!plugin) throw new VolumeError(`${failed}type ${volumeTypeOf(volume)} is not supported by mk`)
    const ownership = {
      canChown: process.getuid?.() === 0,
      fsGroup: pod.spec.securityContext?.fsGroup,
      fsUser: commonUser(pod)
    }
    const directory = paths.volume(volume.name)
    try {
      await mkdir(paths.volumes, { recursive: true })
      return await plugin.mount(volume, { pod, directory, ownership, sources, engineVolumes, facts, now })
    } catch (error) {
      throw new VolumeError(failed + messageOf(error), { cause: error })
    }
  }

  /** Removes them with all their data, and the pod's directory. */
  async unmount(pod: Pod): Promise<void> {
    const { paths, engineVolumes } = this.#options
    const { volumes } = pod.spec
    for (const volume of volumes ?? [])
      await findVolumePlugin(volume)?.unmount?.(volume, { pod, engineVolumes })
    // Of a pod that is no longer in the API only the directories are known.
    const left = volumes ? [] : await readdir(paths.volumes).catch(() => [])
    for (const name of left) await engineVolumes.remove(tmpfsName(pod, { name }))
    try {
      await rm(paths.root, { recursive: true, force: true })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // What a container's root has written, a daemon of a plain user can't delete.
      if (code !== 'EACCES' && code !== 'EPERM') throw error
      await engineVolumes.removeDirectory(paths.root)
    }
    this.#mounted = new Map()
  }
}

/** The uid that all containers run as, if it is one (kubelet getPodFsUser). */
function commonUser({ spec }: Pod): number | undefined {
  const all = [...spec.containers, ...(spec.initContainers ?? [])]
  const users = new Set(
    all.map(({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser)
  )
  return users.size === 1 ? [...users][0] : undefined
}
