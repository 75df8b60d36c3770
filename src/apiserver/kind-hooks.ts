import type { Kind } from '../api/kind.js'
import { messageOf } from '../base/errors.js'
import { statusErrors } from '../base/status.js'
import type { Core } from './core.js'

/**
 * Runs what a kind declares over an object that a client has sent. Types are checked before, but members that a type
 * calls for may be missing; where a rule stumbles over that, the object is at fault and not the server.
 */
export function runHooks<T>(core: Core, kind: Kind, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    core.logger.warn('a rule stumbled over an object', { kind: kind.kind, group: kind.group, error })
    throw statusErrors.badRequest(
      `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ` +
        `a member that is needed is missing (${messageOf(error)})`
    )
  }
}
