import { MkError } from '../base/errors.js'
import type { DaemonClient } from './daemon-client.js'

/** Longer than the daemon gives itself. */
const stopLimitMs = 70_000
const pollMs = 15

/** Asks the daemon to end and resolves when its process is gone, so that a start right after finds no rest of it. */
export async function stopDaemon(daemon: DaemonClient, pid: number): Promise<void> {
  await daemon.post('/stop')
  for (let waitedMs = 0; isAlive(pid); waitedMs += pollMs) {
    if (waitedMs > stopLimitMs) {
      throw new MkError('MK_TIMEOUT', `the daemon (process ${pid}) does not end`, {
        hint: `kill -9 ${pid} ends it`
      })
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
