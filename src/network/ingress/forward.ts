import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { endpointKey } from '../listeners/endpoint-picker.js'
import type { EndpointPicker } from '../listeners/endpoint-picker.js'
import type { Endpoint } from '../nft/service-table.js'
import type { Backends } from './backends.js'
import { responseHeaders } from './headers.js'
import { hasNoBody, sendReply } from './replies.js'
import type { Reply } from './replies.js'

export interface ForwardOptions {
  backends: Backends
  picker: EndpointPicker
  /** For messages: `default/hello:80`. */
  backendName: string
  headers: string[]
  pathAndQuery: string
}

const maxTries = 3
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
// The connection was never made: nothing of the request has left.
const notConnected = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT'
])
const lingerMs = 1000

/**
 * Passes a request to an endpoint and streams the answer back. Another endpoint is tried when a connection can't be
 * made, and, for idempotent requests of which no body was sent, when it breaks before an answer began. Anything else
 * may have been acted upon and is never repeated.
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions
): Promise<void> {
  const tried = new Set<string>()
  const client = request.socket.remoteAddress ?? ''
  let reply: Reply = { status: 503, message: `${options.backendName} has no endpoint that is ready.` }
  lingerAfterResponse(request, response)
  while (tried.size < maxTries) {
    const endpoint = options.picker.pick(client, tried)
    if (!endpoint) break
    tried.add(endpointKey(endpoint))
    const failure = await attempt(request, response, endpoint, options)
    if (!failure) return
    reply = failure.reply
    if (failure.unreachable) options.picker.failed(endpoint)
    if (!failure.repeatable || response.destroyed) break
  }
  if (!response.destroyed) sendReply(response, request, reply)
}

interface Failure {
  reply: Reply
  repeatable: boolean
  unreachable: boolean
}

/** Undefined: the answer was passed on, or the client has gone. */
function attempt(
  request: IncomingMessage,
  response: ServerResponse,
  endpoint: Endpoint,
  options: ForwardOptions
): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    const body = hasNoBody(request) ? undefined : lazyBody(request)
    const pool = options.backends.pool(endpoint)
    const connection = pool.acquire()
    let controller: Dispatcher.DispatchController | undefined
    let begun = false
    const clientGone = () => {
      if (!response.writableFinished) pool.discard(connection)
    }
    const resume = () => controller?.resume()
    const settle = (failure?: Failure) => {
      response.off('close', clientGone)
      response.off('drain', resume)
      resolve(failure)
    }
    response.on('close', clientGone)
    response.on('drain', resume)
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started
      },
      onResponseStart(started, status, _headers, statusMessage) {
        if (status < 200) return
        begun = true
        const raw = Array.isArray(started.rawHeaders) ? started.rawHeaders : []
        try {
          response.writeHead(status, statusMessage ?? '', responseHeaders(raw))
          response.flushHeaders()
        } catch (error) {
          started.abort(error instanceof Error ? error : new Error('unusable response'))
        }
      },
      onResponseData(started, chunk) {
        if (!response.write(chunk)) started.pause()
      },
      onResponseEnd() {
        response.end()
        pool.release(connection)
        settle()
      },
      onResponseError(_, error) {
        pool.discard(connection)
        if (response.destroyed) settle()
        else if (begun) {
          // Cut off, so that the client does not take a part for the whole.
          response.destroy()
          settle()
        } else settle(failureOf(error, request, endpoint, options, body?.started() ?? false))
      }
    }
    const { pathAndQuery, headers } = options
    const method = request.method ?? 'GET'
    try {
      connection.dispatch({ method, path: pathAndQuery, headers, body: body?.stream ?? null }, handler)
    } catch (error) {
      pool.discard(connection)
      settle(failureOf(error, request, endpoint, options, true))
    }
  })
}

/** Reads the request only when the backend takes it: an attempt that never connects leaves it untouched. */
function lazyBody(request: IncomingMessage): { stream: Readable; started: () => boolean } {
  let started = false
  async function* chunks() {
    started = true
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  }
  return {
    stream: Readable.from(chunks(), { objectMode: false, highWaterMark: 65_536 }),
    started: () => started
  }
}

function failureOf(
  error: unknown,
  request: IncomingMessage,
  endpoint: Endpoint,
  { backendName }: ForwardOptions,
  bodyStarted: boolean
): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const unreachable = notConnected.has(code)
  const where = `${endpointKey(endpoint)} of ${backendName}`
  const repeatable = !bodyStarted && (unreachable || (idempotent.has(request.method ?? '') && isBroken(code)))
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT')
    return { reply: { status: 504, message: `${where} did not answer in time.` }, repeatable, unreachable }
  const text = error instanceof Error ? error.message : String(error)
  const message = unreachable
    ? `${where} can't be reached: ${text}.`
    : `${where} did not give an answer: ${text}.`
  return { reply: { status: 502, message }, repeatable, unreachable }
}

const isBroken = (code: string) => code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET'

/** An answer may come before the whole request is read: give the client a moment to see it, then hang up. */
function lingerAfterResponse(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete || hasNoBody(request)) return
    request.resume()
    const timer = setTimeout(() => request.socket.destroy(), lingerMs)
    request.once('end', () => {
      clearTimeout(timer)
    })
  })
}
