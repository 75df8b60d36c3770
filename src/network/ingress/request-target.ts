import type { IncomingMessage } from 'node:http'

/** Where a request wants to go, or why it is refused. */
export type RequestTarget =
  { host: string; authority: string; path: string; pathAndQuery: string } | { error: string }

const authorityPattern = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/**
 * Reads host and path and refuses what two servers could read in two ways (request smuggling): more than one Host,
 * a body with two lengths, transfer codings other than chunked. Node's parser refuses most of it before.
 */
export function readTarget(request: IncomingMessage): RequestTarget {
  const { headers, rawHeaders } = request
  const count = (name: string) => rawHeaders.filter((h, i) => i % 2 === 0 && h.toLowerCase() === name).length
  if (count('host') > 1) return { error: 'more than one Host header' }
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    if (headers['content-length'] !== undefined) return { error: 'both Content-Length and Transfer-Encoding' }
    if (coding.trim().toLowerCase() !== 'chunked') return { error: 'a Transfer-Encoding other than chunked' }
    if (request.httpVersion !== '1.1') return { error: 'Transfer-Encoding needs HTTP/1.1' }
  }
  if (count('content-length') > 1) return { error: 'more than one Content-Length header' }
  return splitTarget(request.url ?? '', headers.host ?? '')
}

// A proxy takes the authority of an absolute target before the Host header (RFC 9112, 3.2.2).
function splitTarget(url: string, hostHeader: string): RequestTarget {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url)
  const authority = absolute?.[1] ?? hostHeader
  const rest = absolute ? absolute[2] || '/' : url
  const pathAndQuery = rest.startsWith('?') ? `/${rest}` : rest
  if (!pathAndQuery.startsWith('/')) return { error: 'the request target is not a path' }
  if (/[^\x21-\x7e\x80-\xff]|#/.test(pathAndQuery))
    return { error: 'the request target has characters that it may not have' }
  if (authority !== '' && !authorityPattern.test(authority))
    return { error: 'the Host header is not a host name' }
  const host = authority.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase()
  return { host, authority, pathAndQuery, path: normalisePath(pathAndQuery.split('?', 1)[0] ?? '/') }
}

/**
 * The path that rules are compared with: percent-encoded unreserved characters decoded, `.` and `..` resolved, as
 * browsers and nginx do, so that `/public/../admin` is not taken for something below `/public`.
 */
function normalisePath(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (text, hex: string) => {
    const character = String.fromCharCode(parseInt(hex, 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : text
  })
  if (!decoded.includes('/.')) return decoded
  const segments: string[] = []
  const parts = decoded.split('/').slice(1)
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1
    if (part === '..') segments.pop()
    if (part !== '.' && part !== '..') segments.push(part)
    else if (last) segments.push('')
  }
  return `/${segments.join('/')}`
}
