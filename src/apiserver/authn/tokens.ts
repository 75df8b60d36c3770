import { randomUUID, sign as signBytes, timingSafeEqual, verify as verifyBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import { isObject } from '../json.js'
import type { JsonObject } from '../json.js'
import type { ClusterPki } from '../pki/pki.js'

/** What a service account token says (RFC 7519 names; times in seconds). */
export interface TokenClaims {
  iss: string
  sub: string
  aud: string[]
  exp: number
  iat: number
  nbf: number
  jti: string
  'kubernetes.io': {
    namespace: string
    serviceaccount: { name: string; uid: string }
    pod?: { name: string; uid: string }
    secret?: { name: string; uid: string }
    node?: { name: string; uid: string }
    warnafter?: number
  }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs claims as a JWT (ES256). */
export function signToken(key: ClusterPki['tokenKey'], claims: Omit<TokenClaims, 'jti'>): string {
  const head = encode({ alg: 'ES256', kid: key.id, typ: 'JWT' })
  const input = `${head}.${encode({ ...claims, jti: randomUUID() })}`
  const signature = signBytes('sha256', Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363'
  })
  return `${input}.${signature.toString('base64url')}`
}

/** The claims of a token that we signed and that is valid now; undefined for any other text. */
export function verifyToken(
  key: ClusterPki['tokenKey'],
  token: string,
  clock: Clock
): TokenClaims | undefined {
  const [head, body, signature, ...more] = token.split('.')
  if (!head || !body || !signature || more.length > 0) return undefined
  const header = decode(head)
  if (header?.['alg'] !== 'ES256' || header['kid'] !== key.id) return undefined
  const good = verifyBytes(
    'sha256',
    Buffer.from(`${head}.${body}`),
    { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url')
  )
  if (!good) return undefined
  const claims = decode(body) as TokenClaims | undefined
  const now = clock.now().getTime() / 1000
  return claims && claims.nbf <= now + 1 && claims.exp > now ? claims : undefined
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Compares secrets in a time that does not tell where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
