import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { cidrContains, parseCidr, parseIpv4 } from '../../base/ip.js'
import type { Cidr } from '../../base/ip.js'
import type { Logger } from '../../base/logger.js'
import type { Responder } from './responder.js'
import { frame, takeFrames } from './tcp-frames.js'

export interface DnsServerOptions {
  responder: Responder
  /** Addresses to listen on. */
  addresses: readonly string[]
  /** Tried in order; the first that is free on all addresses, for UDP and TCP, is taken. 0: any. */
  ports: readonly number[]
  /** Who is answered, besides this host's own addresses listened on and loopback: pods. */
  podCidr: Cidr
  logger: Logger
}

export interface DnsServer {
  readonly port: number
  stop(): Promise<void>
}

const loopback = parseCidr('127.0.0.0/8')
const idleTimeoutMs = 10_000
const maxTcpConnections = 256

/** Serves DNS over UDP and TCP on one port. Strangers get no answer. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  let failure: unknown
  for (const port of options.ports) {
    try {
      return await listenOn(options, port)
    } catch (error) {
      failure = error
    }
  }
  throw failure instanceof Error ? failure : new Error('no port to listen on')
}

async function listenOn(options: DnsServerOptions, wanted: number): Promise<DnsServer> {
  const open: { close(): void }[] = []
  const sockets = new Set<Socket>()
  let port = wanted
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    for (const server of open) server.close()
  }
  try {
    for (const address of options.addresses) {
      // TCP first: with port 0 it chooses the port that all others then take.
      const tcp = tcpServer(options, sockets)
      tcp.listen(port, address)
      await once(tcp, 'listening')
      open.push(tcp)
      const bound = tcp.address()
      if (bound !== null && typeof bound === 'object') port = bound.port
      const udp = udpServer(options)
      udp.bind(port, address)
      await once(udp, 'listening')
      open.push(udp)
    }
  } catch (error) {
    stop()
    throw error
  }
  return {
    port,
    stop: () => {
      stop()
      return Promise.resolve()
    }
  }
}

function isWelcome(options: DnsServerOptions, ip: string): boolean {
  const address = parseIpv4(ip)
  if (address === undefined) return ip === '::1'
  if (loopback && cidrContains(loopback, address)) return true
  return cidrContains(options.podCidr, address) || options.addresses.includes(ip)
}

function udpServer(options: DnsServerOptions): UdpSocket {
  const { responder, logger } = options
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const reply = (answer: Buffer, to: RemoteInfo) => {
    // The client may be gone; UDP owes nobody an answer.
    socket.send(answer, to.port, to.address, () => {})
  }
  socket.on('message', (query, from) => {
    if (!isWelcome(options, from.address)) return
    const answer = responder.respond(query, 'udp')
    if (answer === undefined) return
    if (Buffer.isBuffer(answer)) {
      reply(answer, from)
      return
    }
    answer.then(
      (late) => {
        reply(late, from)
      },
      (error: unknown) => {
        logger.error('DNS query failed', { error })
      }
    )
  })
  socket.on('error', (error) => {
    logger.warn('DNS socket error', { error })
  })
  return socket
}

function tcpServer(options: DnsServerOptions, sockets: Set<Socket>): Server {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // Resets by clients are their business.
    socket.on('error', () => {})
    socket.setTimeout(idleTimeoutMs, () => socket.destroy())
    if (isWelcome(options, socket.remoteAddress ?? '')) serveTcp(options, socket)
    else socket.destroy()
  })
  server.maxConnections = maxTcpConnections
  return server
}

function serveTcp({ responder, logger }: DnsServerOptions, socket: Socket): void {
  let received: Buffer = Buffer.alloc(0)
  const write = (answer: Buffer) => {
    if (socket.writable) socket.write(frame(answer))
  }
  socket.on('data', (chunk) => {
    const { frames, rest } = takeFrames(received.length === 0 ? chunk : Buffer.concat([received, chunk]))
    received = rest
    for (const query of frames) {
      const answer = responder.respond(query, 'tcp')
      if (answer === undefined) socket.destroy()
      else if (Buffer.isBuffer(answer)) write(answer)
      else
        answer.then(write, (error: unknown) => {
          logger.error('DNS query failed', { error })
        })
    }
  })
}
