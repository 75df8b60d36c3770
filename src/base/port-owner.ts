import { readFile, readdir, readlink } from 'node:fs/promises'

const listening = '0A'

/**
 * Which process holds a port of this host, in words such as `nginx (pid 812)`. Undefined if nobody does, or if it
 * can't be told: other users' processes are visible to root only, and /proc is Linux's.
 */
export async function findPortOwner(port: number, protocol: 'tcp' | 'udp'): Promise<string | undefined> {
  const inodes = new Set<string>()
  for (const file of [`/proc/net/${protocol}`, `/proc/net/${protocol}6`]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const inode of inodesOf(text, port, protocol)) inodes.add(inode)
  }
  if (inodes.size === 0) return undefined
  const pids = await readdir('/proc').catch(() => [])
  for (const pid of pids) {
    if (/^\d+$/.test(pid) && (await holds(pid, inodes))) return `${await nameOf(pid)} (pid ${pid})`
  }
  return undefined
}

// Columns: sl, local_address, rem_address, st, …, inode is the tenth.
function inodesOf(table: string, port: number, protocol: 'tcp' | 'udp'): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local, , state]) => local?.endsWith(`:${wanted}`) && (protocol === 'udp' || state === listening)
    )
    .flatMap((columns) => columns[9] ?? [])
}

async function holds(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined && inodes.has(inode)) return true
  }
  return false
}

async function nameOf(pid: string): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process')).trim()
}
