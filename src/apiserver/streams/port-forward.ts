import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import { createWebSocketStream } from 'ws'
import { messageOf } from '../../base/errors.js'
import { statusErrors } from '../../base/status.js'
import { SpdyConnection } from './spdy.js'
import type { SpdyStream } from './spdy.js'
import { acceptSpdy } from './upgrade.js'
import { WebSocketChannels, acceptWebSocket, offeredProtocols, spdyTunnelProtocol } from './websocket.js'
import type { ChannelProtocol } from './websocket.js'

interface Connection {
  request: IncomingMessage
  socket: Duplex
  head: Buffer
}

/** Opens a connection to a port of the pod. */
type Dial = (port: number) => Promise<Duplex>

function validPort(text: string | undefined): number | undefined {
  const port = Number(text)
  return Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined
}

/** Joins one forwarded connection; what goes wrong is told on `errors` in the kubelet's words. */
async function forward(o: {
  dial: Dial
  port: number
  input: Readable
  output: Writable
  errors: Writable
}): Promise<void> {
  const fail = (error: unknown) => {
    o.errors.end(`error forwarding port ${o.port}: ${messageOf(error)}`)
    o.output.end()
  }
  let target: Duplex
  try {
    target = await o.dial(o.port)
  } catch (error) {
    fail(error)
    return
  }
  let failed = false
  target.on('error', (error) => {
    failed = true
    fail(error)
  })
  target.on('close', () => {
    if (failed) return
    o.output.end()
    o.errors.end()
  })
  o.input.on('close', () => {
    target.destroy()
  })
  o.input.pipe(target)
  target.pipe(o.output)
}

/** Each forwarded connection is a pair of streams, `error` and `data`, with the headers `port` and `requestid`. */
function serveSpdy(transport: Duplex, dial: Dial): void {
  const errorStreams = new Map<string, SpdyStream>()
  new SpdyConnection(transport, (stream) => {
    const id = stream.headers['requestid'] ?? ''
    if (stream.headers['streamtype'] === 'error') {
      errorStreams.set(id, stream)
      stream.resume()
      return
    }
    const errors = errorStreams.get(id)
    const port = validPort(stream.headers['port'])
    if (!errors || port === undefined) {
      stream.destroy(new Error('no error stream or no valid port'))
      return
    }
    errorStreams.delete(id)
    void forward({ dial, port, input: stream, output: stream, errors })
  })
}

export function portForwardOverSpdy(connection: Connection, protocolName: string, dial: Dial): void {
  acceptSpdy(connection.socket, connection.head, protocolName)
  serveSpdy(connection.socket, dial)
}

/** kubectl ≥ 1.31: a whole SPDY session inside of binary frames. */
export async function portForwardOverTunnel(connection: Connection, dial: Dial): Promise<void> {
  const ws = await acceptWebSocket(connection.request, connection.socket, connection.head, spdyTunnelProtocol)
  const tunnel = createWebSocketStream(ws)
  tunnel.on('error', () => {})
  serveSpdy(tunnel, dial)
}

/** The ports that a client without SPDY wants; each takes two channels (data, error). */
export function portsOf(query: URLSearchParams): number[] {
  const texts = query.getAll('ports').flatMap((text) => text.split(','))
  if (texts.length === 0) throw statusErrors.badRequest('query parameter "ports" is required')
  return texts.map((text) => {
    const port = validPort(text)
    if (port === undefined)
      throw statusErrors.badRequest(`query parameter "ports": "${text}" is not a port (1-65535)`)
    return port
  })
}

/** The JavaScript and Python clients: port i uses channels 2i (data) and 2i+1 (error), each begun with the port. */
export async function portForwardOverChannels(
  connection: Connection,
  protocol: ChannelProtocol,
  ports: readonly number[],
  dial: Dial
): Promise<void> {
  const named = offeredProtocols(connection.request).length > 0 ? protocol.name : undefined
  const ws = await acceptWebSocket(connection.request, connection.socket, connection.head, named)
  const channels = new WebSocketChannels(ws, protocol)
  let open = ports.length
  await Promise.all(
    ports.map(async (port, index) => {
      const number = Buffer.alloc(2)
      number.writeUInt16LE(port)
      channels.send(2 * index, number)
      channels.send(2 * index + 1, number)
      const output = channels.writable(2 * index)
      output.on('close', () => {
        if (--open === 0) channels.close()
      })
      await forward({
        dial,
        port,
        input: channels.readable(2 * index),
        output,
        errors: channels.writable(2 * index + 1)
      })
    })
  )
}
