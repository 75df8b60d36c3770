import { chmod, chown } from 'node:fs/promises'
import type { Ownership } from './volume.js'

/**
 * The mode of a file made from API data. With an fsGroup the group may read (SetVolumeOwnership of the kubelet).
 * When the daemon can't give files away, the bits of the owner are given to all: else no container but root's could
 * read what Kubernetes lets it read.
 */
export function fileMode(mode: number, { canChown, fsGroup }: Ownership): number {
  const grouped = fsGroup === undefined ? mode : mode | 0o440
  if (canChown) return grouped
  return grouped | ((grouped >> 3) & 0o070) | ((grouped >> 6) & 0o005)
}

/** Sets mode and owner, independent of the umask. */
export async function setPermissions(path: string, mode: number, ownership: Ownership): Promise<void> {
  if (ownership.canChown && (ownership.fsGroup !== undefined || ownership.fsUser !== undefined)) {
    await chown(path, ownership.fsUser ?? 0, ownership.fsGroup ?? 0)
  }
  // After chown, which clears the setgid bit.
  await chmod(path, mode)
}
