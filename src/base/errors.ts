/**
 * Errors of mk itself (API errors are {@link ./status.ts}). One table: a code is stable, is what code and
 * tests match on and what the log shows; the message says what was tried and found, `hint` what to do.
 */
export const errorCodes = {
  MK_ENGINE_UNREACHABLE: 'no Docker Engine answers',
  MK_ENGINE_PERMISSION: 'no permission to use the Docker socket',
  MK_ENGINE_TOO_OLD: 'the Docker Engine is too old',
  MK_ENGINE_TIMEOUT: 'the Docker Engine did not answer in time',
  MK_ENGINE_FAILED: 'the Docker Engine refused an operation',
  MK_IMAGE_NOT_FOUND: 'an image does not exist',
  MK_CONTAINER_NOT_FOUND: 'a container does not exist',
  MK_NETWORK_CONFLICT: 'no free address range for pods',
  MK_AGENT_FAILED: 'the agent on the engine failed',
  MK_STATE_CORRUPT: 'the stored state is damaged',
  MK_STATE_LOCKED: 'the state is in use by another process',
  MK_DISK_FULL: 'no space left on the device',
  MK_PORT_IN_USE: 'a port of this host is in use',
  MK_DAEMON_RUNNING: 'the daemon runs already',
  MK_DAEMON_NOT_RUNNING: 'the daemon does not run',
  MK_DAEMON_START: 'the daemon did not start',
  MK_CLUSTER_UNKNOWN: 'no such cluster',
  MK_INPUT: 'bad input',
  MK_TIMEOUT: 'a wait timed out',
  MK_UNSUPPORTED: 'not supported'
} as const

export type MkErrorCode = keyof typeof errorCodes

export class MkError extends Error {
  override readonly name = 'MkError'
  readonly code: MkErrorCode
  /** What the user can do about it. */
  readonly hint: string | undefined
  constructor(code: MkErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

export function isMkError(error: unknown, ...codes: MkErrorCode[]): error is MkError {
  return error instanceof MkError && (codes.length === 0 || codes.includes(error.code))
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
