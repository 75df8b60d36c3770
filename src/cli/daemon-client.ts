import http from 'node:http'
import type { ControlError, ControlFailure, DaemonStatus, ProgressEvent } from '../base/control.js'
import { errorCodes, MkError, type MkErrorCode } from '../base/errors.js'
import { linesOf } from '../client/https.js'

export interface DaemonClient {
  /** Undefined when no daemon listens. */
  status(): Promise<DaemonStatus | undefined>
  /** Progress until the daemon ends the stream or the signal aborts; a daemon without one gives nothing. */
  events(signal: AbortSignal): AsyncGenerator<ProgressEvent>
  post(path: string, body?: unknown): Promise<DaemonStatus>
}

/** Speaks with the daemon over its control socket (HTTP and JSON). */
export function createDaemonClient(socketPath: string): DaemonClient {
  const request = (method: string, path: string, options: { signal?: AbortSignal; body?: unknown } = {}) =>
    send({ socketPath, method, path, ...options })
  return {
    async status() {
      try {
        return JSON.parse(await readAll(await request('GET', '/status'))) as DaemonStatus
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    },
    async *events(signal) {
      try {
        for await (const line of linesOf(await request('GET', '/events', { signal }))) {
          if (line) yield JSON.parse(line) as ProgressEvent
        }
      } catch (error) {
        if (!signal.aborted && !isAbsent(error) && !isReset(error)) throw error
      }
    },
    async post(path, body = {}) {
      const response = await request('POST', path, { body })
      const text = await readAll(response)
      if ((response.statusCode ?? 500) >= 300) throw errorOf(text)
      return JSON.parse(text) as DaemonStatus
    }
  }
}

function send(options: {
  socketPath: string
  method: string
  path: string
  signal?: AbortSignal
  body?: unknown
}): Promise<http.IncomingMessage> {
  const { socketPath, method, path, signal, body } = options
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      socketPath,
      method,
      path,
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' } })
    })
    outgoing.on('response', resolve)
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES') reject(error)
      else {
        reject(
          new MkError('MK_DAEMON_NOT_RUNNING', `no permission to use ${socketPath}`, {
            hint: 'the daemon belongs to another user',
            cause: error
          })
        )
      }
    })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string
  return text
}

/** No socket, or one that a killed daemon left behind. */
const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')

/** The daemon ended while we listened. */
const isReset = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')

function errorOf(text: string): MkError {
  try {
    return toMkError((JSON.parse(text) as ControlFailure).error)
  } catch (cause) {
    return new MkError('MK_DAEMON_START', text || 'the daemon failed and did not say why', { cause })
  }
}

/** The daemon's error as one of this process. */
export function toMkError(error: ControlError): MkError {
  const code: MkErrorCode = error.code in errorCodes ? (error.code as MkErrorCode) : 'MK_DAEMON_START'
  return new MkError(code, error.message, error.hint ? { hint: error.hint } : {})
}
