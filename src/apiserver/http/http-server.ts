import type { IncomingMessage } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import Fastify from 'fastify'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MkError } from '../../base/errors.js'
import { cidrContains, parseCidr, parseIpv4 } from '../../base/ip.js'
import { statusErrors } from '../../base/status.js'
import { findPortOwner } from '../../base/port-owner.js'
import type { ClusterPki } from '../pki/pki.js'
import { anonymousUser } from '../user.js'
import { sendError } from './exchange.js'
import type { Exchange, RawRequest } from './exchange.js'

const bodyLimitBytes = 3 * 1024 * 1024
const timeouts = { headersMs: 20_000, requestMs: 60_000, keepAliveMs: 180_000 }

type Server = FastifyInstance<Http2SecureServer, Http2ServerRequest, Http2ServerResponse>

export interface HttpServerOptions {
  pki: ClusterPki
  /** Answers a request; what it throws becomes a Status. */
  onRequest: (request: Omit<Exchange, 'user' | 'warnings'>) => Promise<void>
  /** Takes over a connection that asks for another protocol. */
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface HttpServer {
  readonly port: number
  /** Presents what the PKI holds now to new connections. */
  reloadCertificate(): void
  close(): Promise<void>
}

export interface ListenAddress {
  host: string
  /** 0: any that is free. */
  port: number
  /** IPv4 range; connections from elsewhere are closed at once. Default: all may connect. */
  peers?: string
}

/**
 * HTTPS with HTTP/2 and HTTP/1.1 (upgrades need 1.1) on one address. Throws MK_PORT_IN_USE if something else listens
 * there.
 */
export async function startHttpServer(
  options: HttpServerOptions,
  address: ListenAddress
): Promise<HttpServer> {
  const server = createServer(options)
  const open = new Set<Duplex>()
  const peers = address.peers === undefined ? undefined : parseCidr(address.peers)
  server.server.on('connection', (socket: Socket) => {
    if (peers && !cidrContains(peers, parseIpv4(socket.remoteAddress ?? '') ?? 0)) {
      socket.destroy()
      return
    }
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  await listen(server, address)
  return {
    port: (server.server.address() as AddressInfo).port,
    reloadCertificate: () => {
      server.server.setSecureContext(secrets(options.pki))
    },
    close: async () => {
      // Watches and streams would keep it waiting for ever.
      for (const socket of open) socket.destroy()
      await server.close()
    }
  }
}

const secrets = (pki: ClusterPki) => ({ cert: pki.server.cert, key: pki.server.key, ca: pki.ca })

function createServer({ pki, onRequest, onUpgrade }: HttpServerOptions): Server {
  const server: Server = Fastify({
    http2: true,
    https: { allowHTTP1: true, ...secrets(pki), requestCert: true, rejectUnauthorized: false },
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
    // Our own router reads the path as Kubernetes does.
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 8192 },
    frameworkErrors: (error, request, reply) => {
      void refuse(request as never, reply as never, error)
    }
  })
  const raw = server.server as Http2SecureServer & {
    headersTimeout?: number
    requestTimeout?: number
    keepAliveTimeout?: number
  }
  raw.headersTimeout = timeouts.headersMs
  raw.requestTimeout = timeouts.requestMs
  raw.keepAliveTimeout = timeouts.keepAliveMs
  raw.on('upgrade', onUpgrade)
  // Scanners and broken clients are no errors of ours.
  raw.on('tlsClientError', () => {})
  raw.on('sessionError', () => {})
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
  server.setErrorHandler((error: FastifyError, request, reply) =>
    refuse(request as never, reply as never, error)
  )
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack()
    const exchange = exchangeOf(request, reply)
    try {
      await onRequest(exchange)
    } catch (error) {
      await sendError({ ...exchange, user: anonymousUser, warnings: [] }, error)
    }
  }
  server.all('*', handler as never)
  server.setNotFoundHandler(handler as never)
  return server
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply): Omit<Exchange, 'user' | 'warnings'> {
  const raw = request.raw as unknown as RawRequest
  const url = raw.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: raw.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: raw.headers,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    request: raw,
    response: reply.raw
  }
}

/** Errors of the framework itself, as a Status. */
async function refuse(request: FastifyRequest, reply: FastifyReply, error: FastifyError): Promise<void> {
  reply.hijack()
  const exchange = { ...exchangeOf(request, reply), user: anonymousUser, warnings: [] }
  await sendError(exchange, statusOf(error))
}

function statusOf(error: FastifyError): unknown {
  if (error.statusCode === 413) {
    return statusErrors.tooLarge(`Request entity too large: limit is ${String(bodyLimitBytes)}`)
  }
  if (error.statusCode === 415) return statusErrors.unsupportedMediaType(['application/json'])
  return error.statusCode !== undefined && error.statusCode < 500
    ? statusErrors.badRequest(error.message)
    : error
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (cause) {
    await server.close()
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== 'EADDRINUSE') throw cause
    const owner = await findPortOwner(port, 'tcp')
    const by = owner === undefined ? '' : ` by ${owner}`
    throw new MkError('MK_PORT_IN_USE', `cannot listen on ${host}:${String(port)}: the port is in use${by}`, {
      hint: 'stop what listens there, or choose another port',
      cause
    })
  }
}

/** The TLS connection beneath a request, whichever protocol it came by. */
export function tlsSocketOf(request: RawRequest): TLSSocket {
  if ('stream' in request && request.httpVersionMajor === 2) {
    // The session's socket is a proxy; reading certificates through it is allowed.
    return request.stream.session?.socket as TLSSocket
  }
  return request.socket as TLSSocket
}
