import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { randomSuffix } from '../../base/ids.js'
import { join } from 'node:path'
import type { SandboxSpec } from '../runtime.js'
import type { SandboxFiles } from './sandbox-config.js'

const names = { resolvConf: 'resolv.conf', hosts: 'hosts', hostname: 'hostname' } as const

/**
 * The files of sandboxes from the warm pool, a directory each: bound at creation, when nobody knows the pod, and filled
 * in place when it is handed out. The hostname file is also where the next daemon reads the pod's host name from.
 */
export class SandboxDirectories {
  readonly #root: string

  constructor(stateDir: string) {
    this.#root = join(stateDir, 'sandboxes')
  }

  async create(): Promise<{ directory: string; files: Required<SandboxFiles> }> {
    const directory = randomSuffix(10)
    await mkdir(join(this.#root, directory), { recursive: true, mode: 0o755 })
    const paths = Object.entries(names).map(
      ([key, name]) => [key, join(this.#root, directory, name)] as const
    )
    for (const [, path] of paths) await writeFile(path, '', { mode: 0o644 })
    return { directory, files: Object.fromEntries(paths) as unknown as Required<SandboxFiles> }
  }

  async fill(directory: string, spec: SandboxSpec): Promise<void> {
    const path = (name: string) => join(this.#root, directory, name)
    // Copies into the bound files, which must stay the same inodes: copyFile truncates and writes.
    await Promise.all([
      spec.resolvConfPath === '' ? undefined : copyIfThere(spec.resolvConfPath, path(names.resolvConf)),
      spec.hostsPath === '' ? undefined : copyIfThere(spec.hostsPath, path(names.hosts)),
      writeFile(path(names.hostname), `${spec.hostname}\n`)
    ])
  }

  async hostname(directory: string): Promise<string | undefined> {
    const text = await readFile(join(this.#root, directory, names.hostname), 'utf8').catch(() => '')
    return text.trim() || undefined
  }

  async remove(directory: string): Promise<void> {
    await rm(join(this.#root, directory), { recursive: true, force: true })
  }
}

async function copyIfThere(from: string, to: string): Promise<void> {
  await copyFile(from, to).catch((error: unknown) => {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
  })
}
