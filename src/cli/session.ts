import { readFile } from 'node:fs/promises'
import { MkError } from '../base/errors.js'
import { type HttpsEndpoint, HttpsClient } from '../client/https.js'
import { Discovery } from './discovery.js'
import type { Io } from './io.js'
import { version } from '../base/version.js'

/** A connection to the cluster and what is known of it. */
export interface Session {
  readonly client: HttpsClient
  readonly discovery: Discovery
}

/**
 * Connects by the kubeconfig that the daemon wrote. mk never uses another one: a command of mk can't reach a cluster
 * that is not mk's.
 */
export async function openSession(io: Io): Promise<Session> {
  const endpoint = await readEndpoint(io)
  const client = new HttpsClient(endpoint, {
    userAgent: `mk/${version}`,
    onWarning: (text) => io.stderr.write(`Warning: ${text}\n`)
  })
  return { client, discovery: new Discovery({ client, cacheDirectory: io.paths.cache }) }
}

async function readEndpoint(io: Io): Promise<HttpsEndpoint> {
  const path = io.paths.kubeconfig
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new MkError('MK_INPUT', `can't read ${path}: ${(cause as Error).message}`, { cause })
    }
    throw new MkError('MK_DAEMON_NOT_RUNNING', 'there is no cluster yet', {
      hint: 'start one with `mk up`',
      cause
    })
  }
  return endpointOf(text, path)
}

/**
 * The endpoint in mk's own kubeconfig: one cluster, one user, so each key occurs once. Read line by line, since a YAML
 * parser takes longer to load than the whole request to answer.
 */
export function endpointOf(text: string, path: string): HttpsEndpoint {
  const value = (key: string): string | undefined => {
    const found = new RegExp(`^[ -]*"?${key}"?: *"?([^"\\s,]+)`, 'm').exec(text)
    return found?.[1]
  }
  const pem = (key: string): string | undefined => {
    const data = value(key)
    return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8')
  }
  const server = value('server')
  if (server === undefined) {
    throw new MkError('MK_INPUT', `${path} names no server`, { hint: 'run `mk up`: it writes the file anew' })
  }
  return {
    server,
    ca: pem('certificate-authority-data'),
    cert: pem('client-certificate-data'),
    key: pem('client-key-data'),
    token: value('token')
  }
}
