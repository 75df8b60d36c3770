import type { IncomingMessage } from 'node:http'
import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import httpProxy from 'http-proxy'
import { dialEndpoint } from '../listeners/dial.js'
import type { EndpointPicker } from '../listeners/endpoint-picker.js'
import { forwardedHeaders } from './headers.js'
import { hasNoBody, rawReply } from './replies.js'

/** Only this protocol is passed through: others (h2c) would be a way around the routing rules. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return (
    request.headers.upgrade?.toLowerCase() === 'websocket' &&
    request.method === 'GET' &&
    request.httpVersion === '1.1' &&
    hasNoBody(request)
  )
}

const handshakeTimeoutMs = 60_000
const dropped = ['keep-alive', 'proxy-connection', 'te', 'trailer', 'http2-settings', 'expect']

export interface UpgradeOptions {
  picker: EndpointPicker
  backendName: string
  authority: string
  secure: boolean
}

/** Passes WebSocket connections on. Either side's end is the other's end: no socket is left behind. */
export function createUpgrader() {
  const proxy = httpProxy.createProxyServer({ toProxy: true })
  // http-proxy passes on the headers of an answer that is no upgrade, but its body decoded.
  proxy.on('proxyReqWs', (outgoing) => {
    outgoing.setTimeout(handshakeTimeoutMs, () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('response', (answer) => {
      outgoing.setTimeout(0)
      delete answer.headers['transfer-encoding']
      answer.headers.connection = 'close'
    })
  })

  return {
    async upgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      options: UpgradeOptions
    ): Promise<void> {
      const { picker, backendName, authority, secure } = options
      socket.on('error', () => {})
      const dialled = await dialEndpoint(picker, request.socket.remoteAddress ?? '')
      if (socket.destroyed) {
        dialled?.socket.destroy()
        return
      }
      if (!dialled) {
        socket.end(rawReply({ status: 503, message: `${backendName} has no endpoint that can be reached.` }))
        return
      }
      const backend = dialled.socket
      tie(socket, backend)
      for (const name of dropped) delete request.headers[name]
      request.headers.connection = 'Upgrade'
      proxy.ws(
        request,
        socket,
        head,
        {
          target: { host: dialled.endpoint.ip, port: dialled.endpoint.port, protocol: 'http:' },
          headers: { ...forwardedHeaders(request, authority, secure), host: authority },
          agent: agentOf(backend)
        },
        (error) => {
          if (!socket.destroyed)
            socket.end(
              rawReply({
                status: 502,
                message: `${backendName} did not accept the upgrade: ${error.message}.`
              })
            )
        }
      )
    }
  }
}

/** An agent that has this one connection to offer. */
function agentOf(socket: Socket): Agent {
  const agent = new Agent({ maxSockets: 1 })
  Object.assign(agent, { createConnection: () => socket })
  return agent
}

// A WebSocket that is closed in one direction is of no use to anyone.
function tie(client: Duplex, backend: Socket): void {
  const endClient = () => {
    if (client.writable) client.end(() => client.destroy())
    else client.destroy()
  }
  backend.on('end', endClient)
  backend.on('close', endClient)
  client.on('end', () => {
    backend.destroySoon()
  })
  client.on('close', () => backend.destroy())
}
