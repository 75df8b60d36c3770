import { Client } from 'undici'
import type { Endpoint } from '../nft/service-table.js'

export interface ConnectionPoolOptions {
  /** Until a connection stands. Default 2000. */
  connectTimeoutMs?: number | undefined
  /** Until a response begins. Default 60,000, as nginx's proxy_read_timeout. */
  responseTimeoutMs?: number | undefined
}

const maxIdle = 128

/**
 * Kept-alive connections to one endpoint: an undici client for each, one request at a time. (undici's own Pool makes
 * a new connection whenever a request is aborted.)
 */
export class ConnectionPool {
  readonly #origin: string
  readonly #options: ConnectionPoolOptions
  readonly #idle: Client[] = []
  readonly #busy = new Set<Client>()
  #closed = false

  constructor({ ip, port }: Endpoint, options: ConnectionPoolOptions) {
    this.#origin = `http://${ip}:${String(port)}`
    this.#options = options
  }

  acquire(): Client {
    const client = this.#idle.pop() ?? this.#create()
    this.#busy.add(client)
    return client
  }

  /** The request ended well: the connection may serve another one. */
  release(client: Client): void {
    this.#busy.delete(client)
    if (this.#closed || this.#idle.length >= maxIdle) void client.close()
    else this.#idle.push(client)
  }

  /** The request failed or was given up: its connection is cut. */
  discard(client: Client): void {
    this.#busy.delete(client)
    void client.destroy(new Error('the request was given up'))
  }

  /** Closes idle connections now, and each busy one when its request has ended. */
  close(): void {
    this.#closed = true
    for (const client of this.#idle.splice(0)) void client.close()
  }

  /** Cuts all connections. */
  async destroy(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((client) => client.destroy()))
  }

  #create(): Client {
    const { connectTimeoutMs = 2000, responseTimeoutMs = 60_000 } = this.#options
    return new Client(this.#origin, {
      connect: { timeout: connectTimeoutMs, noDelay: true },
      pipelining: 1,
      keepAliveTimeout: 4000,
      headersTimeout: responseTimeoutMs,
      // A stream of events may be silent for as long as it likes; the client's leaving ends it.
      bodyTimeout: 0,
      maxHeaderSize: 65_536
    })
  }
}
