import type { IncomingMessage } from 'node:http'

// Headers about one connection, not about the message (RFC 9110, 7.6.1). Expect is answered by mk itself.
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings'
])

const forwardedNames = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-real-ip'
]

/** Names that Connection lists are about this connection, too; the length and the host can't be. */
function namedByConnection(connection: string | undefined): Set<string> {
  const names = (connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  return new Set(names.filter((name) => name !== 'host' && name !== 'content-length' && name !== ''))
}

/**
 * The headers for the backend, name and value in turn, in the client's order and spelling. The client's Host stays.
 * X-Forwarded-* are set anew, unless the client is on this host's loopback: then they are a local proxy's or tunnel's
 * and are kept, with the address appended.
 */
export function requestHeaders(request: IncomingMessage, authority: string, secure: boolean): string[] {
  const listed = namedByConnection(request.headers.connection)
  const forwarded = forwardedHeaders(request, authority, secure)
  const headers: string[] = ['Host', authority]
  eachHeader(request.rawHeaders, (name, value) => {
    const lower = name.toLowerCase()
    if (lower === 'host' || hopByHop.has(lower) || listed.has(lower) || Object.hasOwn(forwarded, lower))
      return
    headers.push(name, value)
  })
  for (const [name, value] of Object.entries(forwarded)) headers.push(name, value)
  return headers
}

export function forwardedHeaders(
  request: IncomingMessage,
  authority: string,
  secure: boolean
): Record<string, string> {
  const client = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const trusted = client.startsWith('127.') || client === '::1'
  const given = (name: string) => {
    const value = request.headers[name]
    return trusted && typeof value === 'string' && value !== '' ? value : undefined
  }
  const before = given('x-forwarded-for')
  const port = /:(\d+)$/.exec(authority)?.[1] ?? (secure ? '443' : '80')
  const [list = 'x-forwarded-for', protocol = '', host = '', portName = '', real = ''] = forwardedNames
  return {
    [list]: before === undefined ? client : `${before}, ${client}`,
    [protocol]: given(protocol) ?? (secure ? 'https' : 'http'),
    [host]: given(host) ?? authority,
    [portName]: given(portName) ?? port,
    [real]: given(real) ?? before?.split(',')[0]?.trim() ?? client
  }
}

/** The backend's headers for the client, name and value in turn. */
export function responseHeaders(raw: readonly (string | Buffer)[]): string[] {
  const texts = raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
  let connection: string | undefined
  eachHeader(texts, (name, value) => {
    if (name.toLowerCase() === 'connection') connection = value
  })
  const listed = namedByConnection(connection)
  const headers: string[] = []
  eachHeader(texts, (name, value) => {
    const lower = name.toLowerCase()
    if (!hopByHop.has(lower) && !listed.has(lower)) headers.push(name, value)
  })
  return headers
}

function eachHeader(flat: readonly string[], visit: (name: string, value: string) => void): void {
  for (let i = 0; i + 1 < flat.length; i += 2) visit(flat[i] ?? '', flat[i + 1] ?? '')
}
