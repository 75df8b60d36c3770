import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { MkError, messageOf } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { findPortOwner } from '../../base/port-owner.js'
import { tryListen } from '../ports/listen.js'
import type { ServiceModel } from '../services/service-model.js'
import { Backends } from './backends.js'
import type { ConnectionPoolOptions } from './connection-pool.js'
import { Certificates } from './certificates.js'
import type { CertificateProblem, Pem } from './certificates.js'
import { forward } from './forward.js'
import { requestHeaders } from './headers.js'
import type { BackendRef, IngressModel } from './ingress-model.js'
import { rawReply, sendReply } from './replies.js'
import type { Reply } from './replies.js'
import { readTarget } from './request-target.js'
import { Router } from './router.js'
import { createUpgrader, isWebSocketUpgrade } from './upgrade.js'

export interface IngressServerOptions extends ConnectionPoolOptions {
  /** Where to listen. The first must work, the others (::1) are taken when they can be. */
  addresses: readonly string[]
  /** Tried in order; 0: any. */
  httpPorts: readonly number[]
  httpsPorts: readonly number[]
  logger: Logger
  /** A port could not be had, and what was taken instead. */
  onNotice(message: string): void
  onCertificateProblem(problem: CertificateProblem): void
}

const maxListedRules = 20

/** The HTTP and HTTPS entry to the cluster: terminates TLS, routes by host and path, passes on to pods. */
export class IngressServer {
  readonly #options: IngressServerOptions
  readonly #backends: Backends
  readonly #certificates = new Certificates()
  readonly #upgrader = createUpgrader()
  readonly #servers: (HttpServer | HttpsServer)[] = []
  readonly #sockets = new Set<Duplex>()
  readonly #distrusted = new WeakSet<Duplex>()
  #router = new Router([])
  #httpPort = 0
  #httpsPort = 0

  constructor(options: IngressServerOptions) {
    this.#options = options
    this.#backends = new Backends(options)
  }

  get httpPort(): number {
    return this.#httpPort
  }

  get httpsPort(): number {
    return this.#httpsPort
  }

  async start(): Promise<void> {
    this.#httpPort = await this.#listen(this.#options.httpPorts, () => this.#createHttp())
    this.#httpsPort = await this.#listen(this.#options.httpsPorts, () => this.#createHttps())
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
    await this.#backends.stop()
  }

  setIngresses(ingresses: readonly IngressModel[]): void {
    this.#router = new Router(ingresses)
    for (const problem of this.#certificates.update(ingresses)) this.#options.onCertificateProblem(problem)
  }

  setService(model: ServiceModel): void {
    this.#backends.set(model)
  }

  deleteService(key: string): void {
    this.#backends.delete(key)
  }

  async #listen(ports: readonly number[], create: () => HttpServer | HttpsServer): Promise<number> {
    const [first = '127.0.0.1', ...others] = this.#options.addresses
    const refused: string[] = []
    for (const port of ports) {
      const server = create()
      const failure = await tryListen(server, first, port)
      if (failure === 'in-use') {
        const owner = await findPortOwner(port, 'tcp')
        refused.push(`port ${String(port)} is ${owner === undefined ? 'in use' : `held by ${owner}`}`)
      }
      if (failure !== undefined) continue
      this.#servers.push(server)
      const address = server.address()
      const taken = address !== null && typeof address === 'object' ? address.port : port
      for (const other of others) await this.#listenBeside(create(), other, taken)
      if (refused.length > 0)
        this.#options.onNotice(
          `${refused.join(', ')}: the ingress listens on ${first}:${String(taken)} instead`
        )
      return taken
    }
    throw new MkError(
      'MK_PORT_IN_USE',
      `the ingress has no port to listen on: ${refused.join(', ') || ports.join(', ')}`,
      {
        hint: 'name a free port, or none: then mk looks for one'
      }
    )
  }

  async #listenBeside(server: HttpServer | HttpsServer, address: string, port: number): Promise<void> {
    if ((await tryListen(server, address, port)) === undefined) this.#servers.push(server)
  }

  #createHttp(): HttpServer {
    const server = createHttpServer(serverLimits)
    this.#attach(server, false)
    server.on('connection', (socket) => {
      this.#track(socket)
    })
    return server
  }

  #createHttps(): HttpsServer {
    const server = createHttpsServer({
      ...serverLimits,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      SNICallback: (name, done) => {
        this.#certificates.find(name).then(
          (context) => {
            done(null, context)
          },
          (error: unknown) => {
            done(error instanceof Error ? error : new Error(messageOf(error)))
          }
        )
      }
    })
    this.#attach(server, true)
    this.#prepareDefaultCertificate(server)
    server.on('secureConnection', (socket) => {
      this.#track(socket)
    })
    // Broken handshakes are the client's matter.
    server.on('tlsClientError', (_, socket) => {
      socket.destroy()
    })
    return server
  }

  /** For clients that name no host, before the handshake begins. Made when the first client comes, not at the start. */
  #prepareDefaultCertificate(server: HttpsServer): void {
    const handshakes = server.listeners('connection')
    server.removeAllListeners('connection')
    let current: Pem | undefined
    const begin = (socket: Socket, pem: Pem) => {
      if (current !== pem) server.setSecureContext(pem)
      current = pem
      for (const handshake of handshakes) handshake.call(server, socket)
    }
    server.on('connection', (socket: Socket) => {
      const pem = this.#certificates.forNobody()
      if (!(pem instanceof Promise)) begin(socket, pem)
      else
        pem.then(
          (made) => {
            begin(socket, made)
          },
          (error: unknown) => {
            this.#options.logger.error('no certificate for TLS', { error })
            socket.destroy()
          }
        )
    })
  }

  #track(socket: Duplex): void {
    if (this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #attach(server: HttpServer | HttpsServer, secure: boolean): void {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response, secure).catch((error: unknown) => {
        this.#options.logger.error('request failed', { error, url: request.url })
        sendReply(response, request, { status: 502, message: 'the ingress failed.' })
      })
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (isWebSocketUpgrade(request)) this.#upgrade(request, socket, head, secure)
      else serveWithoutUpgrade(server, request, socket, head, secure)
    })
    server.on('connect', (_: IncomingMessage, socket: Duplex) => {
      socket.end(rawReply({ status: 405, message: 'CONNECT is not served here.' }))
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      if (this.#distrusted.has(socket)) return
      if (socket.writable && error.code !== 'ECONNRESET') socket.end(rawReply(replyToMalformed(error)))
      else socket.destroy()
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse, secure: boolean): Promise<void> {
    const target = readTarget(request)
    if (this.#distrusted.has(request.socket)) return
    if ('error' in target) {
      // Where this request ends is in doubt, so nothing that follows is read as another one.
      this.#distrusted.add(request.socket)
      response.shouldKeepAlive = false
      response.on('finish', () => {
        request.socket.destroySoon()
      })
      sendReply(response, request, { status: 400, message: `${target.error}.` })
      return
    }
    const route = this.#router.match(target.host, target.path)
    if (!route) {
      sendReply(response, request, this.#unknown(target.host, target.path))
      return
    }
    if (route.sslRedirect && !secure && this.#httpsPort > 0) {
      const port = this.#httpsPort === 443 ? '' : `:${String(this.#httpsPort)}`
      response.writeHead(308, { Location: `https://${target.host}${port}${target.pathAndQuery}` }).end()
      return
    }
    const found = this.#picker(route.backend)
    if ('status' in found) {
      sendReply(response, request, found)
      return
    }
    const headers = requestHeaders(request, target.authority, secure)
    const backendName = nameOf(route.backend)
    const { pathAndQuery } = target
    await forward(request, response, {
      backends: this.#backends,
      picker: found,
      backendName,
      headers,
      pathAndQuery
    })
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, secure: boolean): void {
    const target = readTarget(request)
    const refuse = (reply: Reply) => {
      socket.on('error', () => {})
      socket.end(rawReply(reply))
    }
    if ('error' in target) {
      refuse({ status: 400, message: `${target.error}.` })
      return
    }
    const route = this.#router.match(target.host, target.path)
    const found = route ? this.#picker(route.backend) : this.#unknown(target.host, target.path)
    if (!route || 'status' in found) {
      refuse('status' in found ? found : this.#unknown(target.host, target.path))
      return
    }
    request.url = target.pathAndQuery
    const { authority } = target
    const options = { picker: found, backendName: nameOf(route.backend), authority, secure }
    this.#upgrader.upgrade(request, socket, head, options).catch((error: unknown) => {
      this.#options.logger.error('upgrade failed', { error, url: request.url })
      socket.destroy()
    })
  }

  #picker(backend: BackendRef) {
    const picker = this.#backends.find(backend)
    if (picker) return picker
    return {
      status: 503,
      message: `there is no Service ${backend.service} with a TCP port ${String(backend.port)}.`
    }
  }

  #unknown(host: string, path: string): Reply {
    const known = this.#router.known
    const listed = known.slice(0, maxListedRules).join('\n  ')
    const more = known.length > maxListedRules ? `\n  and ${String(known.length - maxListedRules)} more` : ''
    const help = known.length > 0 ? `These are:\n  ${listed}${more}` : 'There is no Ingress yet.'
    return { status: 404, message: `no Ingress has a rule for host "${host}" and path "${path}". ${help}` }
  }
}

const serverLimits = {
  maxHeaderSize: 32_768,
  headersTimeout: 60_000,
  // Uploads may take as long as they like.
  requestTimeout: 0,
  keepAliveTimeout: 75_000,
  insecureHTTPParser: false,
  noDelay: true
}

const nameOf = ({ service, port }: BackendRef) => `${service}:${String(port)}`

function replyToMalformed(error: NodeJS.ErrnoException): Reply {
  if (error.code === 'HPE_HEADER_OVERFLOW') return { status: 431, message: 'the headers are too large.' }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, message: 'the request took too long to arrive.' }
  return { status: 400, message: `the request can't be read: ${messageOf(error)}.` }
}

/**
 * A server may ignore an Upgrade that it does not know (RFC 9110, 7.8); Java's client, for one, offers h2c with every
 * request. Node has left HTTP behind for such a socket, so the request is put back, without the offer, and read anew.
 */
function serveWithoutUpgrade(
  server: HttpServer | HttpsServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  secure: boolean
): void {
  const { method = '', url = '', httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (!['upgrade', 'connection', 'http2-settings'].includes(name.toLowerCase()))
      lines.push(`${name}: ${rawHeaders[i + 1] ?? ''}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(lines.join('\r\n') + '\r\n\r\n', 'latin1'), head]))
  server.emit(secure ? 'secureConnection' : 'connection', socket as Socket)
}
