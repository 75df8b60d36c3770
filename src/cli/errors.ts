import { isMkError, messageOf } from '../base/errors.js'
import { StatusError } from '../base/status.js'

/** Thrown when all was said already: only the exit code is left. */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  readonly exitCode: number
  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** The lines shown for an error, in kubectl's form. Never a stack trace. */
export function describeError(error: unknown): string {
  if (error instanceof StatusError) {
    return error.reason === 'Unknown'
      ? `Error from server: ${error.message}`
      : `Error from server (${error.reason}): ${error.message}`
  }
  if (isMkError(error))
    return error.hint ? `error: ${error.message}\n${error.hint}` : `error: ${error.message}`
  return `error: ${usageMessage(error) ?? messageOf(error)}`
}

/** A complaint of the flag parser in kubectl's words; undefined for any other error. */
export function usageMessage(error: unknown): string | undefined {
  if (!isUsageError(error)) return undefined
  const text = error.message.replace(/\n?See more help with --help/g, '').trim()
  return text
    .replace(/^The following errors? occurred:\s+/, '')
    .replace(/^Nonexistent flags?: /, 'unknown flag: ')
    .replace(/^Unexpected arguments?: /, 'unexpected argument: ')
    .replace(/^Parsing (--\S+)\s+/, 'invalid $1: ')
    .replace(/\s*\n\s*/g, ' ')
}

/** oclif's parser marks its errors with an `oclif` property. */
export function isUsageError(error: unknown): error is Error {
  return error instanceof Error && 'oclif' in error
}

/** Did the reader of our output go away (`mk get pods | head`)? */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}
