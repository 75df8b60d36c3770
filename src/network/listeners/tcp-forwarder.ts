import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dialEndpoint } from './dial.js'
import type { EndpointPicker } from './endpoint-picker.js'

export interface TcpForwarder {
  readonly server: Server
  /** Stops listening and cuts every connection. */
  close(): void
}

/**
 * Passes each TCP connection to an endpoint, both directions with back-pressure and half-close. Without an endpoint a
 * client gets a reset at once. Connections under way outlive their endpoint's removal, as with kube-proxy.
 */
export function createTcpForwarder(picker: EndpointPicker): TcpForwarder {
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    track(client)
    void dialEndpoint(picker, client.remoteAddress ?? '').then((dialled) => {
      if (!dialled) {
        client.resetAndDestroy()
        return
      }
      track(dialled.socket)
      join(client, dialled.socket)
    })
  })
  return {
    server,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

function join(client: Socket, endpoint: Socket): void {
  const cutOther = (other: Socket) => (hadError: boolean) => {
    if (hadError) other.resetAndDestroy()
    else if (!other.destroyed && !other.writableFinished) other.end()
  }
  client.on('close', cutOther(endpoint))
  endpoint.on('close', cutOther(client))
  if (client.destroyed) {
    endpoint.destroy()
    return
  }
  client.pipe(endpoint)
  endpoint.pipe(client)
  client.resume()
}
