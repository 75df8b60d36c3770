import type { Volume } from '../api/types.js'
import { configMapVolume } from './config-map.js'
import { downwardApiVolume } from './downward-api.js'
import { emptyDirVolume } from './empty-dir.js'
import { hostPathVolume } from './host-path.js'
import { projectedVolume } from './projected.js'
import { secretVolume } from './secret.js'
import type { VolumePlugin } from './volume.js'

/** All volume types; a new one is a file beside this and a line here. */
export const volumePlugins: readonly VolumePlugin[] = [
  emptyDirVolume,
  configMapVolume,
  secretVolume,
  downwardApiVolume,
  projectedVolume,
  hostPathVolume
]

/** The type's name as written in the spec, e.g. `persistentVolumeClaim`. */
export function volumeTypeOf(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir'
}

/** Undefined for a type that mk can't mount. A volume without a type is an emptyDir, as upstream defaults it. */
export function findVolumePlugin(volume: Volume): VolumePlugin | undefined {
  const type = volumeTypeOf(volume)
  return volumePlugins.find((plugin) => plugin.field === type)
}
