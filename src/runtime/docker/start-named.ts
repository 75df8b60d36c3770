import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { Agent } from './agent.js'
import { startTimeoutMs } from './container-lifecycle.js'

/**
 * Starts a container of a sandbox that was warm: the engine gives it the name that the sandbox was created with, so the
 * agent sets the pod's before the container's command runs; should it miss it (an unusual OCI runtime), right after.
 */
export async function startNamed(options: {
  agent: Agent
  clock: Clock
  logger: Logger
  sandboxPid: number
  hostname: string
  start: () => Promise<unknown>
  pid: () => Promise<number>
}): Promise<void> {
  const { agent, clock, logger, sandboxPid, hostname, start, pid } = options
  const watch = await agent.nameNext(sandboxPid, hostname, startTimeoutMs).catch((error: unknown) => {
    logger.debug('cannot watch for the next container', { error })
    return undefined
  })
  try {
    await start()
    const late = new Promise<boolean>((resolve) =>
      clock.after(50, () => {
        resolve(false)
      })
    )
    if (await Promise.race([watch?.named ?? false, late])) return
    logger.debug('a container got its host name after its start', { hostname })
    const target = await pid()
    if (target > 0) await agent.setHostname(target, hostname)
  } finally {
    watch?.cancel()
  }
}
