import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { kinds } from '../../src/api/registry.js'
import { systemClock } from '../../src/base/clock.js'
import { createLogger } from '../../src/base/logger.js'
import type { Logger } from '../../src/base/logger.js'
import { createApiServer } from '../../src/apiserver/api-server.js'
import type { ApiServer } from '../../src/apiserver/api-server.js'
import type { ConnectHandlers } from '../../src/apiserver/connect.js'
import { createClusterPki } from '../../src/apiserver/pki/cluster-pki.js'
import type { ClusterPki } from '../../src/apiserver/pki/pki.js'
import { createStore } from '../../src/store/create-store.js'
import { createMemoryDriver } from '../../src/store/memory-driver.js'
import type { Store } from '../../src/store/store.js'
import { schemas } from './support.js'

export interface Answer {
  code: number
  headers: IncomingMessage['headers']
  text: string
  /** What JSON there was; tests say what they expect to be in it. */
  body: unknown
}

/** What is at a path inside JSON: `dig(body, 'items.0.metadata.name')`. */
export function dig<T = unknown>(value: unknown, path: string): T {
  let found = value
  for (const step of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[step]
  return found as T
}

export interface CallOptions {
  body?: unknown
  headers?: Record<string, string>
  /** Default: the administrator's token. */
  token?: string | null
}

export interface TestServer {
  server: ApiServer
  store: Store
  pki: ClusterPki
  port: number
  /** Lines that the server logged. */
  log: string[]
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** The raw answer, as soon as its head is there. */
  open: (method: string, path: string, options?: CallOptions) => Promise<IncomingMessage>
  close(): Promise<void>
}

/** A whole API server on a free port of loopback, over a store in memory. */
export async function startServer(options: { connect?: ConnectHandlers } = {}): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'mk-apiserver-'))
  const clock = systemClock
  const pki = await createClusterPki({ dir, clock, addresses: ['10.96.0.1'] })
  const log: string[] = []
  const logger: Logger = createLogger({ write: (line) => void log.push(line), level: 'info' })
  const store = await createStore({ driver: createMemoryDriver(), logger, clock })
  const server = createApiServer({
    store,
    kinds,
    schemas,
    openApi: schemas.openApi,
    pki,
    clock,
    logger,
    serviceCidr: '10.96.0.0/16',
    ...options
  })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  await server.bootstrap({ address: '10.55.0.1', port })
  const agent = new Agent({ keepAlive: true, ca: pki.ca })
  const open = (
    method: string,
    path: string,
    { body, headers = {}, token = pki.adminToken }: CallOptions = {}
  ) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const payload =
        body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          agent,
          headers: {
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...headers
          }
        },
        resolve
      )
      request.on('error', reject)
      request.end(payload)
    })
  return {
    server,
    store,
    pki,
    port,
    log,
    open,
    call: async (method, path, callOptions) => {
      const answer = await open(method, path, callOptions)
      const pieces: Buffer[] = []
      for await (const piece of answer) pieces.push(piece as Buffer)
      const text = Buffer.concat(pieces).toString('utf8')
      const isJson = answer.headers['content-type']?.startsWith('application/json') && text !== ''
      return {
        code: answer.statusCode ?? 0,
        headers: answer.headers,
        text,
        body: isJson && !answer.headers['content-encoding'] ? (JSON.parse(text) as unknown) : undefined
      }
    },
    close: async () => {
      agent.destroy()
      await server.close()
      await store.close()
      rmSync(dir, { recursive: true })
    }
  }
}
