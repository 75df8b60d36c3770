import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pod } from '../api/types.js'
import type { LogStream } from '../runtime/runtime.js'

/** A connection to upgrade, after authentication, authorization and admission, with the pod it is about. */
export interface ConnectRequest {
  subresource: 'exec' | 'attach' | 'portforward' | 'log'
  pod: Pod
  query: URLSearchParams
  request: IncomingMessage
  socket: Duplex
  /** Bytes that came behind the request's head. */
  head: Buffer
}

/** The streaming subresources of pods, as the HTTP layer dispatches to them. */
export interface ConnectHandlers {
  /** `GET pods/{name}/log` without an upgrade: the HTTP layer sends the stream as text/plain. */
  log(pod: Pod, query: URLSearchParams): Promise<LogStream>
  /** Takes the socket over: answers the upgrade, or an HTTP error with a Status. Never throws. */
  upgrade(connect: ConnectRequest): void
}
