import { mkdir } from 'node:fs/promises'
import type { Pod } from '../api/types.js'
import { quantityToNumber } from '../base/quantity.js'
import { setPermissions } from './permissions.js'
import type { VolumePlugin } from './volume.js'
import { VolumeError } from './volume.js'

/**
 * A scratch directory that lives as long as the pod: on disk in the pod's directory, or (medium Memory) one engine
 * tmpfs volume that all containers share and the sandbox holds.
 */
export const emptyDirVolume: VolumePlugin = {
  field: 'emptyDir',
  async mount(volume, { pod, directory, ownership, engineVolumes }) {
    const { medium = '', sizeLimit } = volume.emptyDir ?? {}
    if (medium === 'Memory') {
      const name = tmpfsName(pod, volume)
      // The directory stays empty: it tells a later kubelet that there is a volume to remove.
      await mkdir(directory, { recursive: true })
      const sizeBytes = sizeLimit === undefined ? 0 : quantityToNumber(sizeLimit)
      await engineVolumes.createTmpfs({
        name,
        podUid: pod.metadata.uid,
        ...(sizeBytes > 0 ? { sizeBytes } : {})
      })
      return { type: 'volume', source: name, heldBySandbox: true }
    }
    if (medium !== '') throw new VolumeError(`unknown storage medium "${medium}"`)
    await mkdir(directory, { recursive: true })
    await setPermissions(directory, ownership.fsGroup === undefined ? 0o777 : 0o2777, ownership)
    return { type: 'bind', source: directory }
  },
  async unmount(volume, { pod, engineVolumes }) {
    if (volume.emptyDir?.medium === 'Memory') await engineVolumes.remove(tmpfsName(pod, volume))
  }
}

/** The engine volume of an emptyDir of medium Memory. */
export const tmpfsName = (pod: Pod, volume: { name: string }) => `mk-${pod.metadata.uid}-${volume.name}`
