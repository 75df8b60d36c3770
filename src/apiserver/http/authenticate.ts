import type { IncomingHttpHeaders } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { statusErrors } from '../../base/status.js'
import type { TokenAuthenticator } from '../authn/authenticator.js'
import { anonymousUser, groupAuthenticated } from '../user.js'
import type { User } from '../user.js'

/** Who sends a request: by client certificate, else by bearer token, else nobody known. Throws 401. */
export function createRequestAuthenticator(tokens: TokenAuthenticator) {
  // Reading a certificate is slow, and the same for all requests of a connection.
  const known = new WeakMap<TLSSocket, User | null>()
  return (headers: IncomingHttpHeaders, socket: TLSSocket): User => {
    let user = known.get(socket)
    if (user === undefined) {
      user = certificateUser(socket)
      known.set(socket, user)
    }
    if (user) return user
    const token = bearerToken(headers.authorization)
    if (token === undefined) return anonymousUser
    const found = tokens.authenticate(token)
    if (!found) throw statusErrors.unauthorized()
    return found.user
  }
}

/** Common name and organizations of a certificate that the cluster's authority has signed; null for none. */
function certificateUser(socket: TLSSocket): User | null {
  if (typeof socket.getPeerCertificate !== 'function') return null
  const certificate = socket.getPeerCertificate()
  // An empty object if the client has sent none.
  const subject = certificate.subject as { CN?: string | string[]; O?: string | string[] } | undefined
  if (!subject) return null
  if (!socket.authorized) throw statusErrors.unauthorized()
  const name = [subject.CN ?? []].flat()[0]
  if (!name) return null
  return { name, groups: [...[subject.O ?? []].flat(), groupAuthenticated] }
}

/** Undefined if there is no Authorization header. Other schemes than Bearer are refused. */
function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const match = /^bearer +(\S+)\s*$/i.exec(header)
  if (!match?.[1]) throw statusErrors.unauthorized()
  return match[1]
}
