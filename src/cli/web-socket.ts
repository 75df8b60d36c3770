import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { type HttpsClient, type Query, statusErrorOf } from '../client/https.js'

/**
 * Opens a WebSocket of the API (exec, attach, port-forward). A refusal before the upgrade is thrown as the StatusError
 * that the server sent.
 */
export function openWebSocket(
  client: HttpsClient,
  request: { path: string; query: Query; protocols: readonly string[]; signal?: AbortSignal }
): Promise<WebSocket> {
  const url = client.url(request.path, request.query)
  url.protocol = 'wss:'
  const socket = new WebSocket(url, [...request.protocols], {
    ...client.tlsOptions(),
    headers: client.headers(),
    perMessageDeflate: false
  })
  request.signal?.addEventListener('abort', () => {
    socket.terminate()
  })
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      resolve(socket)
    })
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      text(response).then((body) => {
        reject(statusErrorOf(response.statusCode ?? 500, body))
      }, reject)
    })
    socket.on('error', reject)
  })
}

/** A message as one buffer, whatever form ws hands it out in. */
export function bufferOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
