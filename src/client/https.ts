import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { MkError } from '../base/errors.js'
import { StatusError, type Status, type StatusReason } from '../base/status.js'

/** Where an API server is and how to log in. Certificates and keys are PEM text. */
export interface HttpsEndpoint {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly token?: string | undefined
}

/** Parameters of a URL; a list gives one parameter for each of its items. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface HttpsRequest {
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined
  /** Absolute path without the query. */
  readonly path: string
  /** Undefined and empty values are left out. */
  readonly query?: Query | undefined
  /** Default `application/json`. */
  readonly accept?: string | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  /** Default `application/json`. */
  readonly contentType?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpsReply<T> {
  readonly status: number
  readonly contentType: string
  readonly body: T
}

const maxRetries = 5

/**
 * A thin client of the Kubernetes API over HTTPS: one kept-alive connection pool, JSON in and out, streams for watches
 * and logs. Failures are a {@link StatusError} (the server's answer) or an {@link MkError} (no answer).
 */
export class HttpsClient {
  readonly endpoint: HttpsEndpoint
  readonly #agent: https.Agent
  readonly #userAgent: string
  readonly #onWarning: ((text: string) => void) | undefined

  /** `onWarning` gets the text of each Warning header (RFC 7234, code 299). */
  constructor(
    endpoint: HttpsEndpoint,
    options: { userAgent: string; onWarning?: ((text: string) => void) | undefined }
  ) {
    this.endpoint = endpoint
    this.#userAgent = options.userAgent
    this.#onWarning = options.onWarning
    this.#agent = new https.Agent({ keepAlive: true, ...this.tlsOptions() })
  }

  /** What node:tls needs to reach the endpoint: shared with WebSocket connections. */
  tlsOptions(): { ca?: string; cert?: string; key?: string } {
    const { ca, cert, key } = this.endpoint
    return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) }
  }

  /** Headers that every request carries. */
  headers(): Record<string, string> {
    const { token } = this.endpoint
    return { 'user-agent': this.#userAgent, ...(token ? { authorization: `Bearer ${token}` } : {}) }
  }

  /** Sends the request and parses the answer's JSON. Retries 429 as the server asks, up to five times. */
  async json<T = unknown>(request: HttpsRequest): Promise<HttpsReply<T>> {
    const { status, contentType, body } = await this.text(request)
    try {
      return { status, contentType, body: JSON.parse(body) as T }
    } catch (cause) {
      throw new StatusError(unknownStatus(status, `the server's answer is not JSON: ${body.slice(0, 200)}`), {
        cause
      })
    }
  }

  /** Like {@link json}, with the body as text. */
  async text(request: HttpsRequest): Promise<HttpsReply<string>> {
    const response = await this.stream(request)
    return {
      status: response.statusCode ?? 0,
      contentType: response.headers['content-type'] ?? '',
      body: await readAll(response)
    }
  }

  /** Resolves when the headers of a successful answer are there; the body is the caller's to read. */
  async stream(request: HttpsRequest): Promise<IncomingMessage> {
    for (let attempt = 0; ; attempt++) {
      const response = await this.#send(request)
      for (const warning of warningsOf(response)) this.#onWarning?.(warning)
      const code = response.statusCode ?? 0
      if (code >= 200 && code < 300) return response
      const error = statusErrorOf(code, await readAll(response))
      const retryAfterSeconds = Number(response.headers['retry-after'])
      if (code !== 429 || attempt >= maxRetries || !(retryAfterSeconds >= 0)) throw error
      await new Promise((resolve) => setTimeout(resolve, retryAfterSeconds * 1000))
    }
  }

  /** The URL of a request at this endpoint. */
  url(path: string, query: Query = {}): URL {
    const url = new URL(path, this.endpoint.server)
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === '') continue
      const values = typeof value === 'object' ? value : [String(value)]
      for (const item of values) url.searchParams.append(name, item)
    }
    return url
  }

  /** Closes idle connections, so that the process can end. */
  close(): void {
    this.#agent.destroy()
  }

  #send(request: HttpsRequest): Promise<IncomingMessage> {
    const { method = 'GET', path, query, accept, body, contentType, signal } = request
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    return new Promise((resolve, reject) => {
      const outgoing = https.request(this.url(path, query), {
        method,
        agent: this.#agent,
        ...(signal ? { signal } : {}),
        headers: {
          ...this.headers(),
          accept: accept ?? 'application/json',
          ...(payload
            ? { 'content-type': contentType ?? 'application/json', 'content-length': payload.length }
            : {})
        }
      })
      outgoing.on('response', resolve)
      outgoing.on('error', (error) => {
        reject(signal?.aborted ? error : connectionError(this.endpoint.server, error))
      })
      outgoing.end(payload)
    })
  }
}

/** Lines of a streamed body, without their ends; a last line without one counts too. */
export async function* linesOf(body: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest) yield rest
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function warningsOf(response: IncomingMessage): string[] {
  const header = response.headers['warning']
  if (header === undefined) return []
  return [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((m) => (m[1] ?? '').replace(/\\(.)/g, '$1'))
}

/** The Status of a failed answer; one that is not from the API gets upstream's text (client-go rest/request.go). */
export function statusErrorOf(code: number, body: string): StatusError {
  try {
    const status = JSON.parse(body) as Partial<Status> | null
    if (status?.kind === 'Status')
      return new StatusError({ ...(status as Status), code: status.code ?? code })
  } catch {
    // Not JSON: the generic text below.
  }
  if (code === 404) {
    return new StatusError(
      unknownStatus(code, 'the server could not find the requested resource', 'NotFound')
    )
  }
  return new StatusError(unknownStatus(code, body.trim().slice(0, 500) || `the server answered ${code}`))
}

function unknownStatus(code: number, message: string, reason: StatusReason = 'Unknown'): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
}

function connectionError(server: string, error: NodeJS.ErrnoException): MkError {
  const cause = error
  switch (error.code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return new MkError('MK_DAEMON_NOT_RUNNING', `the API server at ${server} does not answer`, {
        hint: 'start mk with `mk up`',
        cause
      })
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return new MkError(
        'MK_INPUT',
        `the server at ${server} is not the one the kubeconfig was written for`,
        {
          hint: 'another cluster may have taken the port: see `mk status`, or run `mk up` again',
          cause
        }
      )
    default:
      return new MkError('MK_DAEMON_NOT_RUNNING', `no answer from ${server}: ${error.message}`, {
        hint: 'see `mk status`',
        cause
      })
  }
}
