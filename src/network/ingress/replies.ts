import type { IncomingMessage, ServerResponse } from 'node:http'

const texts: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout'
}

/** An answer of the ingress itself, as plain text: what happened and what to do. */
export interface Reply {
  status: number
  message: string
}

export function sendReply(
  response: ServerResponse,
  request: IncomingMessage,
  { status, message }: Reply
): void {
  if (response.headersSent) {
    // The client must see that the body is cut off.
    response.destroy()
    return
  }
  const body = `${String(status)} ${texts[status] ?? ''}: ${message}\n`
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    // A body that nobody has read can't be told from the next request.
    ...(request.complete || hasNoBody(request) ? {} : { Connection: 'close' })
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The same for a socket that has no response object (upgrades, unparsable requests). */
export function rawReply({ status, message }: Reply): string {
  const body = `${String(status)} ${texts[status] ?? ''}: ${message}\n`
  return [
    `HTTP/1.1 ${String(status)} ${texts[status] ?? ''}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Connection: close',
    '',
    body
  ].join('\r\n')
}

export const hasNoBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
