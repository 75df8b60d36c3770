import { lstat, mkdir, realpath } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { VolumeError } from './volume.js'

/**
 * The host path of a subPath within a volume, made as a directory where it is missing. Symlinks are followed once and
 * may not lead out of the volume, so what a container mounts stays what it was (a subPath never sees updates).
 * @throws VolumeError for a path that is absolute, has `..` or leaves the volume
 */
export async function resolveSubPath(volumePath: string, subPath: string): Promise<string> {
  checkSubPath(subPath)
  const root = await realpath(volumePath)
  let current = root
  for (const part of subPath.split('/').filter((name) => name !== '' && name !== '.')) {
    const next = join(current, part)
    const exists = await lstat(next).catch(() => undefined)
    if (!exists) await mkdir(next, { mode: 0o750 })
    current = await realpath(next)
    if (current !== root && !current.startsWith(root + sep))
      throw new VolumeError(`subPath "${subPath}" leads out of the volume`)
  }
  return current
}

/** The checks of validateSubPath, for an expanded subPathExpr too. */
export function checkSubPath(subPath: string): void {
  if (isAbsolute(subPath)) throw new VolumeError(`subPath "${subPath}" must not be an absolute path`)
  if (subPath.split('/').includes('..')) throw new VolumeError(`subPath "${subPath}" must not contain ".."`)
}
