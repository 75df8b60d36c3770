import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Status } from '../../base/status.js'
import { toStatusError } from '../resources.js'
import type { User } from '../user.js'

export type RawRequest = IncomingMessage | Http2ServerRequest
export type RawResponse = ServerResponse | Http2ServerResponse

/** One request and the place for its answer. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly request: RawRequest
  readonly response: RawResponse
  readonly user: User
  /** Texts for Warning headers. */
  readonly warnings: string[]
}

const gzipAbove = 128 * 1024
const jsonType = 'application/json'
const compress = promisify(gzip)

/** Sends a whole answer; compressed if it is large and the client can read that. */
export async function send(
  exchange: Exchange,
  code: number,
  body: Buffer | string,
  contentType = jsonType,
  headers: Record<string, string> = {}
): Promise<void> {
  const { response } = exchange
  let bytes = typeof body === 'string' ? Buffer.from(body) : body
  begin(exchange, code, contentType)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (bytes.length > gzipAbove && acceptsGzip(exchange)) {
    bytes = await compress(bytes, { level: constants.Z_BEST_SPEED })
    response.setHeader('content-encoding', 'gzip')
    response.setHeader('vary', 'Accept-Encoding')
  }
  response.setHeader('content-length', bytes.length)
  finish(exchange, bytes)
}

export const acceptsGzip = ({ headers }: Exchange): boolean =>
  String(headers['accept-encoding'] ?? '').includes('gzip')

/** Sets what every answer has. */
export function begin({ response, warnings }: Exchange, code: number, contentType: string): void {
  response.statusCode = code
  response.setHeader('content-type', contentType)
  response.setHeader('cache-control', 'no-cache, private')
  if (warnings.length > 0) response.setHeader('warning', [...new Set(warnings)].map(warningHeader))
}

/** Sends the head of a stream before its first piece. */
export function flushHead({ response }: Exchange): void {
  ;(response as ServerResponse).flushHeaders()
}

function finish({ method, response }: Exchange, bytes: Buffer): void {
  const end = response as { end: (chunk?: Buffer) => unknown }
  if (method === 'HEAD') end.end()
  else end.end(bytes)
}

/** RFC 7234 warn-text; a header carries printable ASCII only. */
function warningHeader(text: string): string {
  const safe = text.replace(/[^\x20-\x7e]/g, '?').replace(/[\\"]/g, '\\$&')
  return `299 - "${safe.slice(0, 4096)}"`
}

export const sendJson = (
  exchange: Exchange,
  code: number,
  value: unknown,
  contentType = jsonType
): Promise<void> => send(exchange, code, JSON.stringify(value), contentType)

export function sendStatus(exchange: Exchange, status: Status): Promise<void> {
  const code = status.code ?? 500
  const seconds = status.details?.retryAfterSeconds
  const headers = seconds ? { 'retry-after': String(seconds) } : {}
  const body = status.status === 'Success' ? status : { ...status, code }
  return send(exchange, code, JSON.stringify(body), jsonType, headers)
}

/** Answers with whatever was thrown; nothing can be said any more once the answer has begun. */
export async function sendError(exchange: Exchange, error: unknown): Promise<void> {
  if (exchange.response.headersSent) {
    exchange.response.destroy()
    return
  }
  await sendStatus(exchange, toStatusError(error).status)
}

/** As Go's mux says it: what clients take for "no such resource". */
export const sendPathNotFound = (exchange: Exchange): Promise<void> =>
  send(exchange, 404, '404 page not found\n', 'text/plain; charset=utf-8')
