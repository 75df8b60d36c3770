import { rename } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'

/**
 * Renames a damaged state file so that it is kept for recovery and out of the way: `state.db` becomes
 * `state.db.corrupt-20260102T030405Z`. Returns the new path.
 */
export async function setAside(path: string, clock: Clock): Promise<string> {
  const stamp = clock
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
  const kept = `${path}.corrupt-${stamp}`
  await rename(path, kept)
  return kept
}
