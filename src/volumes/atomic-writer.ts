import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileMode, setPermissions } from './permissions.js'
import type { Ownership } from './volume.js'

export interface PayloadFile {
  data: Buffer
  mode: number
  /** Overrides the volume's (tokens belong to the pod's user). */
  fsUser?: number | undefined
}

/** Files by path relative to the volume, `/` between parts. */
export type Payload = Map<string, PayloadFile>

const dataLink = '..data'

/**
 * Makes the directory show exactly the payload, all files at one moment: they are written to `..<time>`, the symlink
 * `..data` is swapped to it by a rename, and each top-level name is a symlink through `..data`. Containers bind the
 * directory, so that they see the swap. Returns whether anything changed. (kubelet AtomicWriter.)
 */
export async function writeAtomically(
  directory: string,
  payload: Payload,
  ownership: Ownership,
  now: Date
): Promise<boolean> {
  await mkdir(directory, { recursive: true })
  const old = await readlink(join(directory, dataLink)).catch(() => undefined)
  if (old !== undefined && (await isSame(join(directory, old), payload, ownership))) return false
  await setPermissions(directory, directoryMode(ownership), ownership)
  const stamp = now.toISOString().replace(/[-:]/g, '_').replace('T', '_').slice(0, 19)
  const fresh = `..${stamp}.${randomBytes(4).toString('hex')}`
  await writeFiles(directory, fresh, payload, ownership)
  await rm(join(directory, '..data_tmp'), { force: true })
  await symlink(fresh, join(directory, '..data_tmp'))
  await rename(join(directory, '..data_tmp'), join(directory, dataLink))
  await linkNames(directory, payload)
  if (old !== undefined) await rm(join(directory, old), { recursive: true, force: true })
  return true
}

const directoryMode = ({ canChown, fsGroup }: Ownership) =>
  canChown && fsGroup !== undefined ? 0o2775 : 0o755

async function writeFiles(
  directory: string,
  fresh: string,
  payload: Payload,
  ownership: Ownership
): Promise<void> {
  const made = new Set<string>()
  const makeDirectory = async (path: string): Promise<void> => {
    if (made.has(path)) return
    if (path !== fresh) await makeDirectory(dirname(path))
    await mkdir(join(directory, path), { recursive: true })
    await setPermissions(join(directory, path), directoryMode(ownership), ownership)
    made.add(path)
  }
  await makeDirectory(fresh)
  for (const [name, file] of payload) {
    const path = join(fresh, name)
    await makeDirectory(dirname(path))
    await writeFile(join(directory, path), file.data, { mode: 0o600 })
    const owner = file.fsUser === undefined ? ownership : { ...ownership, fsUser: file.fsUser }
    await setPermissions(join(directory, path), fileMode(file.mode, owner), owner)
  }
}

async function linkNames(directory: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/', 1)[0] ?? path))
  const present = new Set((await readdir(directory)).filter((name) => !name.startsWith('..')))
  for (const name of wanted) {
    if (!present.has(name)) await symlink(join(dataLink, name), join(directory, name))
  }
  for (const name of present) {
    if (!wanted.has(name)) await rm(join(directory, name), { recursive: true, force: true })
  }
}

async function isSame(directory: string, payload: Payload, ownership: Ownership): Promise<boolean> {
  const paths = await filesBelow(directory).catch(() => undefined)
  if (paths?.length !== payload.size) return false
  for (const [name, file] of payload) {
    const path = join(directory, name)
    const stat = await lstat(path).catch(() => undefined)
    if (!stat?.isFile() || stat.size !== file.data.length) return false
    if ((stat.mode & 0o7777) !== fileMode(file.mode, ownership)) return false
    if (!(await readFile(path)).equals(file.data)) return false
  }
  return true
}

async function filesBelow(directory: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(directory, prefix), { withFileTypes: true })
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      return entry.isDirectory() ? filesBelow(directory, path) : [path]
    })
  )
  return nested.flat()
}
