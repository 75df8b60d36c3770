import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { endpointKey } from './endpoint-picker.js'
import type { EndpointPicker } from './endpoint-picker.js'
import type { Endpoint } from '../nft/service-table.js'

const idleMs = 60_000
const maxSessions = 4096

export interface UdpForwarder {
  readonly socket: Socket
  /** Ends the flows to endpoints that are gone: the next datagram goes to another one. */
  keepOnly(endpoints: readonly Endpoint[]): void
  close(): void
}

interface Session {
  key: string
  upstream: Socket
  usedAt: number
}

/** Passes datagrams to an endpoint and the answers back. A client's address keeps its endpoint until 60 s idle. */
export function createUdpForwarder(picker: EndpointPicker): UdpForwarder {
  const socket = createSocket('udp4')
  const sessions = new Map<string, Session>()
  const end = (client: string) => {
    sessions.get(client)?.upstream.close()
    sessions.delete(client)
  }
  const sweep = setInterval(() => {
    const now = performance.now()
    for (const [client, { usedAt }] of sessions) if (now - usedAt > idleMs) end(client)
  }, idleMs / 4)
  sweep.unref()

  const open = (client: string, from: RemoteInfo): Session | undefined => {
    const endpoint = picker.pick(from.address)
    const [oldest] = sessions.keys()
    if (!endpoint) return undefined
    if (sessions.size >= maxSessions && oldest !== undefined) end(oldest)
    const upstream = createSocket('udp4')
    upstream.on('error', () => {
      if (sessions.get(client)?.upstream === upstream) end(client)
    })
    upstream.on('message', (answer) => {
      socket.send(answer, from.port, from.address, () => {})
    })
    upstream.connect(endpoint.port, endpoint.ip, (error?: Error) => {
      if (error) upstream.emit('error', error)
      else upstream.emit('ready')
    })
    const session = { key: endpointKey(endpoint), upstream, usedAt: 0 }
    sessions.set(client, session)
    return session
  }

  socket.on('message', (datagram, from) => {
    const client = `${from.address}:${String(from.port)}`
    const known = sessions.get(client)
    const session = known ?? open(client, from)
    if (!session) return
    session.usedAt = performance.now()
    // A datagram may be lost; one that is sent before the socket is connected would be an error.
    const send = () => {
      if (sessions.get(client) === session) session.upstream.send(datagram, () => {})
    }
    if (known && isConnected(known.upstream)) send()
    else session.upstream.once('ready', send)
  })
  socket.on('error', () => {})

  return {
    socket,
    keepOnly(endpoints) {
      const live = new Set(endpoints.map(endpointKey))
      for (const [client, { key }] of sessions) if (!live.has(key)) end(client)
    },
    close() {
      clearInterval(sweep)
      for (const client of [...sessions.keys()]) end(client)
      socket.close()
    }
  }
}

function isConnected(socket: Socket): boolean {
  try {
    socket.remoteAddress()
    return true
  } catch {
    return false
  }
}
