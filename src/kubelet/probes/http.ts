import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ProbeResult } from './probe-result.js'

export interface HttpProbe {
  host: string
  port: number
  /** With query, as in the spec. */
  path: string
  isTls: boolean
  headers: readonly { name: string; value: string }[]
  userAgent: string
  timeoutMs: number
}

const maxRedirects = 10
const maxBodyBytes = 10 * 1024

/**
 * GET with status 200 to 399 as success (pkg/probe/http). Redirects to the same host are followed, one to elsewhere
 * counts as success; certificates are not checked.
 */
export async function probeHttp(probe: HttpProbe): Promise<ProbeResult> {
  const signal = AbortSignal.timeout(probe.timeoutMs)
  const path = probe.path.startsWith('/') ? probe.path : `/${probe.path}`
  const start = `${probe.isTls ? 'https' : 'http'}://${bracketed(probe.host)}:${String(probe.port)}${path}`
  let url = new URL(start)
  for (let redirects = 0; ; redirects++) {
    let answer: { status: number; location: string | undefined; body: string }
    try {
      answer = await get(url, probe, signal)
    } catch (error) {
      return { result: 'failure', output: `Get "${url.href}": ${reasonOf(error, signal, probe)}` }
    }
    const { status, location, body } = answer
    const next = status >= 300 && status < 400 && location ? new URL(location, url) : undefined
    if (next?.hostname === url.hostname) {
      if (redirects >= maxRedirects)
        return { result: 'failure', output: `Get "${next.href}": stopped after 10 redirects` }
      url = next
      continue
    }
    return status >= 200 && status < 400
      ? { result: 'success', output: body }
      : { result: 'failure', output: `HTTP probe failed with statuscode: ${String(status)}` }
  }
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)

function reasonOf(error: unknown, signal: AbortSignal, probe: HttpProbe): string {
  if (signal.aborted) return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  const { code } = error as { code?: string }
  const address = `${bracketed(probe.host)}:${String(probe.port)}`
  if (code === 'ECONNREFUSED') return `dial tcp ${address}: connect: connection refused`
  return error instanceof Error ? error.message : String(error)
}

function get(
  url: URL,
  { headers, userAgent, isTls }: HttpProbe,
  signal: AbortSignal
): Promise<{ status: number; location: string | undefined; body: string }> {
  const own = new Map([
    ['user-agent', userAgent],
    ['accept', '*/*'],
    ['connection', 'close']
  ])
  for (const { name, value } of headers) {
    // An empty value takes the default header away, as upstream.
    if (value === '' && own.has(name.toLowerCase())) own.delete(name.toLowerCase())
    else own.set(name.toLowerCase(), value)
  }
  return new Promise((resolve, reject) => {
    const options = { headers: Object.fromEntries(own), agent: false, signal } as const
    const onResponse = (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxBodyBytes) chunks.push(chunk)
        else response.destroy()
      })
      response.on('error', reject)
      response.on('close', () => {
        const body = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body })
      })
    }
    const request =
      url.protocol === 'https:' || isTls
        ? httpsRequest(url, { ...options, rejectUnauthorized: false }, onResponse)
        : httpRequest(url, options, onResponse)
    request.on('error', reject)
    request.end()
  })
}
