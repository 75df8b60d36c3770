import { statusErrors } from '../../base/status.js'
import { send, sendPathNotFound } from './exchange.js'
import type { Exchange } from './exchange.js'
import { acceptsJson, parseAccept } from './negotiation.js'

/** A document ready to be sent. */
export interface OpenApiDocument {
  readonly bytes: Buffer
  /** What tells its versions apart: the ETag, and the `hash` in the index. */
  readonly hash: string
}

/** The published schemas. */
export interface OpenApiDocuments {
  v3Index(): OpenApiDocument
  /** By its name in the index: `api/v1`, `apis/apps/v1`. */
  v3(name: string): OpenApiDocument | undefined
  v2Json(): OpenApiDocument
  v2Protobuf(): OpenApiDocument
}

const json = 'application/json'
const protobufTypes = [
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
] as const
const yearMs = 365 * 24 * 3600 * 1000

/** `/openapi/v2` and `/openapi/v3`; false if the path is none of them. */
export async function serveOpenApi(
  exchange: Exchange,
  documents: OpenApiDocuments,
  now: Date
): Promise<boolean> {
  const { path, method } = exchange
  if (!path.startsWith('/openapi/')) return false
  if (method !== 'GET' && method !== 'HEAD') throw statusErrors.methodNotAllowed()
  if (path === '/openapi/v2') await serveV2(exchange, documents)
  else if (path === '/openapi/v3') await sendDocument(exchange, documents.v3Index(), json)
  else if (path.startsWith('/openapi/v3/'))
    await serveV3(exchange, documents, path.slice('/openapi/v3/'.length), now)
  else await sendPathNotFound(exchange)
  return true
}

/** A document that is asked for by its hash never changes; one with another hash is elsewhere. */
async function serveV3(
  exchange: Exchange,
  documents: OpenApiDocuments,
  name: string,
  now: Date
): Promise<void> {
  if (!acceptsJson(exchange.headers.accept)) throw statusErrors.notAcceptable([json])
  const document = documents.v3(name)
  if (!document) return sendPathNotFound(exchange)
  const wanted = exchange.query.get('hash')
  if (!wanted) return sendDocument(exchange, document, json)
  if (wanted !== document.hash) {
    const location = `/openapi/v3/${name}?hash=${document.hash}`
    return send(exchange, 301, '', 'text/html; charset=utf-8', { location })
  }
  const expires = new Date(now.getTime() + yearMs).toUTCString()
  return sendDocument(exchange, document, json, { 'cache-control': 'public, immutable', expires })
}

/** Clients of the protobuf form do not look at the answer's type: they get what they ask for first. */
async function serveV2(exchange: Exchange, documents: OpenApiDocuments): Promise<void> {
  for (const range of parseAccept(exchange.headers.accept)) {
    const protobuf = protobufTypes.some((type) => type === range.type)
    // Answered under the name without the at sign, which Go's mime package cannot parse.
    if (protobuf) return sendDocument(exchange, documents.v2Protobuf(), protobufTypes[1])
    if (acceptsJson(range.type)) return sendDocument(exchange, documents.v2Json(), json)
  }
  throw statusErrors.notAcceptable([json, ...protobufTypes])
}

async function sendDocument(
  exchange: Exchange,
  { bytes, hash }: OpenApiDocument,
  type: string,
  extra: Record<string, string> = {}
): Promise<void> {
  const etag = `"${hash}"`
  const headers = { etag, vary: 'Accept', ...extra }
  if (exchange.headers['if-none-match'] === etag) return send(exchange, 304, '', type, headers)
  return send(exchange, 200, bytes, type, headers)
}
