import type { ControlError } from '../base/control.js'
import { isMkError, messageOf } from '../base/errors.js'

const roomHint =
  'make room on the disks of the folders that mk keeps its files in (df -h ~ shows what is left), then run mk up again'

/** Any failure as the CLI shows it. */
export function controlErrorOf(error: unknown): ControlError {
  if (isMkError(error)) return { code: error.code, message: error.message, hint: error.hint }
  if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    return { code: 'MK_DISK_FULL', message: error.message, hint: roomHint }
  }
  return {
    code: 'MK_DAEMON_START',
    message: messageOf(error),
    hint: 'the daemon log has more: mk status shows where it is'
  }
}
