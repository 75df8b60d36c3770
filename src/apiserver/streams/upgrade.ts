import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { messageOf } from '../../base/errors.js'
import { StatusError, statusErrors } from '../../base/status.js'

/** The remote-command protocols over SPDY, best first (kubelet: v5 needs a close signal that SPDY has by itself). */
const spdyRemoteCommandProtocols = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io'
]
const spdyPortForwardProtocols = ['portforward.k8s.io']

/** Which X-Stream-Protocol-Version to answer. None offered means the oldest; undefined: nothing in common. */
export function chooseSpdyProtocol(
  request: IncomingMessage,
  use: 'command' | 'portforward'
): string | undefined {
  const known = use === 'command' ? spdyRemoteCommandProtocols : spdyPortForwardProtocols
  const header = request.headers['x-stream-protocol-version']
  const offered = [header ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((p) => p.trim())
    .filter(Boolean)
  return offered.length === 0 ? known.at(-1) : known.find((p) => offered.includes(p))
}

/** Answers `Upgrade: SPDY/3.1`. */
export function acceptSpdy(socket: Duplex, head: Buffer, protocolName: string): void {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocolName}\r\n\r\n`
  )
  if (head.length > 0) socket.unshift(head)
}

/** Answers an upgrade request with an ordinary HTTP error and its Status. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (socket.destroyed || socket.writableEnded) return
  const failure = error instanceof StatusError ? error : statusErrors.internal(messageOf(error))
  const body = Buffer.from(JSON.stringify(failure.status))
  socket.on('error', () => {})
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${failure.code} ${failure.reason}\r\n` +
          'Content-Type: application/json\r\nConnection: close\r\n' +
          `Content-Length: ${body.length}\r\n\r\n`
      ),
      body
    ])
  )
}
