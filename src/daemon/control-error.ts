import type { ControlError } from '../base/control.js'
import { isMkError, messageOf } from '../base/errors.js'

/** Any failure as the CLI shows it. */
export function controlErrorOf(error: unknown): ControlError {
  if (isMkError(error)) return { code: error.code, message: error.message, hint: error.hint }
  return {
    code: 'MK_DAEMON_START',
    message: messageOf(error),
    hint: 'the daemon log has more: mk status shows where it is'
  }
}
