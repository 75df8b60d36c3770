import { readFile } from 'node:fs/promises'

interface Limit {
  readonly file: string
  /** Less than this has made pods fail elsewhere. */
  readonly least: number
  readonly what: string
  readonly sysctl: string
}

const limits: readonly Limit[] = [
  {
    file: '/proc/sys/fs/inotify/max_user_instances',
    least: 256,
    what: 'programs that watch files may fail with "too many open files"',
    sysctl: 'fs.inotify.max_user_instances=512'
  },
  {
    file: '/proc/sys/fs/inotify/max_user_watches',
    least: 16_384,
    what: 'programs that watch files may fail with "no space left on device"',
    sysctl: 'fs.inotify.max_user_watches=524288'
  }
]

/** What of this host could trouble pods, each with what to do. `read` gives a file's text. */
export async function hostChecks(
  read: (path: string) => Promise<string> = (path) => readFile(path, 'utf8')
): Promise<string[]> {
  const found = await Promise.all(
    limits.map(async ({ file, least, what, sysctl }) => {
      // Only Linux has these files.
      const value = Number(await read(file).catch(() => 'none'))
      if (!(value < least)) return []
      return [`${file} is ${value}: ${what}; \`sysctl -w ${sysctl}\` raises it`]
    })
  )
  return found.flat()
}
