import { isMkError, messageOf, MkError, type MkErrorCode } from '../../base/errors.js'
import type { EngineAddress } from './connection.js'

/** What docker-modem throws for an answer that is no success. */
interface EngineAnswer {
  statusCode: number
  json?: unknown
}

/** The HTTP status of the engine's refusal, undefined if the engine did not answer. */
export function statusOf(error: unknown): number | undefined {
  const origin = isMkError(error) ? error.cause : error
  const status = (origin as Partial<EngineAnswer> | undefined)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** The engine's own words, without docker-modem's wrapping. */
export function engineMessage(error: unknown): string {
  const { json } = error as Partial<EngineAnswer>
  const message = (json as { message?: unknown } | undefined)?.message
  if (typeof message === 'string' && message !== '') return message.trim()
  return messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim()
}

function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EAI_AGAIN'
])
const lostCodes = new Set(['ECONNRESET', 'EPIPE'])

/**
 * An engine call's failure as an MkError. A 404 becomes `notFound`; the engine's words stay in the message, what was
 * tried (`what`) goes before errors of the connection.
 */
export function toMkError(
  error: unknown,
  options: {
    what: string
    address: EngineAddress
    notFound?: MkErrorCode
    timedOut?: boolean
    timeoutMs?: number
  }
): MkError {
  if (isMkError(error)) return error
  const { what, address } = options
  if (options.timedOut) {
    const seconds = String((options.timeoutMs ?? 0) / 1000)
    return new MkError(
      'MK_ENGINE_TIMEOUT',
      `${what}: the Docker Engine at ${address.host} did not answer in ${seconds} s`,
      {
        hint: 'see whether `docker ps` answers; restart the engine if it does not',
        cause: error
      }
    )
  }
  const status = statusOf(error)
  if (status !== undefined) {
    const message = engineMessage(error)
    const missingImage = status === 404 && /^no such image/i.test(message)
    const code = missingImage
      ? 'MK_IMAGE_NOT_FOUND'
      : status === 404
        ? (options.notFound ?? 'MK_ENGINE_FAILED')
        : 'MK_ENGINE_FAILED'
    return new MkError(/no space left on device/i.test(message) ? 'MK_DISK_FULL' : code, message, {
      cause: error
    })
  }
  const code = systemCode(error)
  if (code === 'EACCES' || code === 'EPERM') {
    return new MkError(
      'MK_ENGINE_PERMISSION',
      `${what}: no permission to use ${address.host} (from ${address.source})`,
      {
        hint: 'add yourself to the docker group (sudo usermod -aG docker $USER) and log in again, or run as root',
        cause: error
      }
    )
  }
  if (code !== undefined && (unreachableCodes.has(code) || lostCodes.has(code))) {
    return new MkError(
      'MK_ENGINE_UNREACHABLE',
      `${what}: no Docker Engine answers at ${address.host} (from ${address.source}): ${code}`,
      {
        hint: address.socketPath
          ? 'start it (sudo systemctl start docker), or set DOCKER_HOST to where it listens'
          : 'check the address and that the engine listens there',
        cause: error
      }
    )
  }
  return new MkError('MK_ENGINE_FAILED', `${what}: ${messageOf(error)}`, { cause: error })
}
