import { mkdir, open, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import type { VolumePlugin } from './volume.js'
import { VolumeError } from './volume.js'

const checks: Record<string, { holds: (stats: Stats) => boolean; is: string }> = {
  Directory: { holds: (stats) => stats.isDirectory(), is: 'a directory' },
  DirectoryOrCreate: { holds: (stats) => stats.isDirectory(), is: 'a directory' },
  File: { holds: (stats) => stats.isFile(), is: 'a file' },
  FileOrCreate: { holds: (stats) => stats.isFile(), is: 'a file' },
  Socket: { holds: (stats) => stats.isSocket(), is: 'a socket file' },
  CharDevice: { holds: (stats) => stats.isCharacterDevice(), is: 'a character device' },
  BlockDevice: { holds: (stats) => stats.isBlockDevice(), is: 'a block device' }
}

/** A path of the machine itself. What is missing is made for types `…OrCreate` and for no type, as containerd does. */
export const hostPathVolume: VolumePlugin = {
  field: 'hostPath',
  async mount(volume) {
    const { path = '', type = '' } = volume.hostPath ?? {}
    if (type === 'DirectoryOrCreate' || type === '') await makeDirectory(path)
    if (type === 'FileOrCreate') await makeFile(path)
    const check = checks[type]
    if (type !== '' && !check) throw new VolumeError(`hostPath type check failed: unknown type ${type}`)
    if (check) {
      const stats = await stat(path).catch(() => undefined)
      if (!stats || !check.holds(stats))
        throw new VolumeError(`hostPath type check failed: ${path} is not ${check.is}`)
    }
    return { type: 'bind', source: path }
  }
}

async function makeDirectory(path: string): Promise<void> {
  if (await stat(path).catch(() => undefined)) return
  await mkdir(path, { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    throw new VolumeError(`hostPath ${path} can't be made: ${String(error)}`)
  })
}

async function makeFile(path: string): Promise<void> {
  try {
    const handle = await open(path, 'a', 0o644)
    await handle.close()
  } catch (error) {
    if (await stat(path).catch(() => undefined)) return
    throw new VolumeError(`hostPath ${path} can't be made: ${String(error)}`)
  }
}
