import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../base/clock.js'
import { MkError, messageOf } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { createStore } from '../store/create-store.js'
import { createLmdbDriver } from '../store/lmdb-driver.js'
import { setAside } from '../store/set-aside.js'
import { StoreError } from '../store/store.js'
import type { Store } from '../store/store.js'

export interface OpenedState {
  store: Store
  /** What the user should know about it. */
  notice: string | undefined
}

/**
 * Opens the cluster's store. A damaged one is kept aside, and the start fails: nobody finds an empty cluster without
 * being told. Errors: MK_STATE_CORRUPT, MK_DISK_FULL.
 */
export async function openState(options: {
  directory: string
  clock: Clock
  logger: Logger
}): Promise<OpenedState> {
  const { directory, clock, logger } = options
  const path = join(directory, 'state.mdb')
  const notice = existsSync(path) ? undefined : newStateNotice(directory, basename(path))
  const driver = createLmdbDriver({ path })
  try {
    return { store: await createStore({ driver, clock, logger }), notice }
  } catch (error) {
    await driver.close().catch(() => {})
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'full') {
      throw new MkError('MK_DISK_FULL', `the state in ${directory} can't be opened: ${error.message}`, {
        hint: 'make room on that disk (docker system df shows what images take), then run mk up again',
        cause: error
      })
    }
    if (error.code !== 'corrupt' || !existsSync(path)) throw error
    const kept = await setAside(path, clock)
    throw new MkError(
      'MK_STATE_CORRUPT',
      `the cluster's state is damaged: ${messageOf(error)}. It is kept as ${kept}`,
      {
        hint: `put a good copy in its place as ${path}, or run mk up again to begin with an empty cluster`,
        cause: error
      }
    )
  }
}

/** An empty state beside a damaged one that was kept: said once more when the new one is begun. */
function newStateNotice(directory: string, name: string): string | undefined {
  const kept = readdirSync(directory)
    .filter((file) => file.startsWith(`${name}.corrupt-`))
    .sort()
    .at(-1)
  return kept && `the cluster begins with an empty state; the damaged one is kept as ${join(directory, kept)}`
}
