import { statusErrors } from '../base/status.js'
import { isObject } from './json.js'

/** Where a chunked list goes on (apiserver storage continue token, meta.k8s.io/v1). */
export interface ContinueToken {
  /** Undefined: as of now, in an inconsistent list. */
  revision: number | undefined
  /** Key to begin at, relative to the list's prefix. */
  start: string
}

/** `revision` -1 makes a token that goes on at whatever is the newest version then. */
export function encodeContinue(revision: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url')
}

export function decodeContinue(token: string): ContinueToken {
  const value = parse(token)
  if (!isObject(value) || value['v'] !== 'meta.k8s.io/v1')
    throw notValid('server key version is unrecognized')
  const { rv, start } = value
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) {
    throw notValid('incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  }
  if (typeof start !== 'string' || start === '' || start.startsWith('/')) {
    throw notValid('encoded start key is empty or not relative (version meta.k8s.io/v1)')
  }
  return { revision: rv < 0 ? undefined : rv, start }
}

const notValid = (why: string) => statusErrors.badRequest(`continue key is not valid: ${why}`)

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    throw notValid('the token cannot be decoded')
  }
}
