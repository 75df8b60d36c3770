import type { IncomingMessage } from 'node:http'
import { Readable, Writable } from 'node:stream'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'

/** The sub-protocols of the kubelet's WebSocket streams: how frames carry a channel number and what ends them. */
export interface ChannelProtocol {
  name: string
  /** base64 text frames whose first character is the channel's digit. */
  base64: boolean
  /** From v4 on the error channel carries a Status as JSON, on success too; before, only a text on failure. */
  statusJson: boolean
  /** v5: `[255, channel]` closes one channel. */
  closeSignal: boolean
}

const protocol = (name: string, is: Partial<ChannelProtocol> = {}): ChannelProtocol => ({
  name,
  base64: false,
  statusJson: false,
  closeSignal: false,
  ...is
})

/** For exec and attach (apiserver: remotecommand/websocket.go), best first. */
export const remoteCommandProtocols: readonly ChannelProtocol[] = [
  protocol('v5.channel.k8s.io', { statusJson: true, closeSignal: true }),
  protocol('v4.channel.k8s.io', { statusJson: true }),
  protocol('v4.base64.channel.k8s.io', { statusJson: true, base64: true }),
  protocol('channel.k8s.io'),
  protocol('base64.channel.k8s.io', { base64: true })
]

/** For port-forward by channels (the `ports` query); newer clients tunnel SPDY instead. */
export const portForwardProtocols: readonly ChannelProtocol[] = [
  protocol('v4.channel.k8s.io'),
  protocol('v4.base64.channel.k8s.io', { base64: true })
]

/** One direction only, without channels: logs. */
export const logProtocols: readonly ChannelProtocol[] = [
  protocol('binary.k8s.io'),
  protocol('base64.binary.k8s.io', { base64: true })
]

export const spdyTunnelProtocol = 'SPDY/3.1+portforward.k8s.io'

/** The sub-protocols that the client offers, in its order. */
export function offeredProtocols(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((p) => p.trim())
    .filter(Boolean)
}

/** The one that both know; a client that offers none gets `fallback`. undefined: nothing in common. */
export function chooseProtocol(
  request: IncomingMessage,
  known: readonly ChannelProtocol[],
  fallback: ChannelProtocol
): ChannelProtocol | undefined {
  const offered = offeredProtocols(request)
  return offered.length === 0 ? fallback : known.find((p) => offered.includes(p.name))
}

/** Completes the handshake with the chosen sub-protocol. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  subprotocol: string | undefined
): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  // ws refuses names with a slash (SPDY/3.1+…): the header is taken away before and answered here.
  delete request.headers['sec-websocket-protocol']
  const offeredNone = subprotocol === undefined
  server.on('headers', (headers) => {
    if (!offeredNone) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`)
  })
  return new Promise((resolve, reject) => {
    socket.once('close', () => {
      reject(new Error('the connection closed during the WebSocket handshake'))
    })
    server.handleUpgrade(request, socket, head, resolve)
  })
}

/** Channels over one WebSocket: numbered byte streams in both directions. */
export class WebSocketChannels {
  readonly #socket: WebSocket
  readonly #protocol: ChannelProtocol
  readonly #readables = new Map<number, Readable>()

  constructor(socket: WebSocket, channelProtocol: ChannelProtocol) {
    this.#socket = socket
    this.#protocol = channelProtocol
    socket.on('message', (data: Buffer) => {
      this.#onMessage(data)
    })
    socket.on('close', () => {
      for (const readable of this.#readables.values()) readable.push(null)
    })
    // A broken connection also emits close, which is all that the users need.
    socket.on('error', () => {})
  }

  /** What the client sends on the channel. Ends with its close signal or the connection. */
  readable(channel: number): Readable {
    const known = this.#readables.get(channel)
    if (known) return known
    const readable = new Readable({
      read: () => {
        this.#socket.resume()
      }
    })
    this.#readables.set(channel, readable)
    return readable
  }

  /** Sends to the client; each chunk is a frame. */
  writable(channel: number): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.send(channel, chunk, () => {
          done()
        })
      }
    })
  }

  send(channel: number, data: Buffer, done?: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      done?.()
      return
    }
    const payload = this.#protocol.base64
      ? `${channel}${data.toString('base64')}`
      : Buffer.concat([Buffer.from([channel]), data])
    this.#socket.send(payload, () => {
      done?.()
    })
  }

  close(): void {
    this.#socket.close(1000)
  }

  #onMessage(data: Buffer): void {
    if (data.length === 0) return
    const first = data.readUInt8(0)
    const [channel, payload] = this.#protocol.base64
      ? [first - 0x30, Buffer.from(data.toString('latin1', 1), 'base64')]
      : [first, data.subarray(1)]
    if (this.#protocol.closeSignal && channel === 255) {
      this.#readables.get(payload.at(0) ?? -1)?.push(null)
      return
    }
    const readable = this.#readables.get(channel)
    if (readable && !readable.readableEnded && payload.length > 0 && !readable.push(payload))
      this.#socket.pause()
  }
}
