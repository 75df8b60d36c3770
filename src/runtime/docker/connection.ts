import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { MkError } from '../../base/errors.js'

/** Where an engine listens. */
export interface EngineAddress {
  /** As the user would write it: `unix:///var/run/docker.sock`, `tcp://host:2376`. */
  readonly host: string
  /** What decided it: shown in errors. */
  readonly source: string
  readonly socketPath?: string
  readonly hostname?: string
  readonly port?: number
  readonly tls?: { ca?: string; cert?: string; key?: string }
}

const defaultSocket = '/var/run/docker.sock'

interface Sources {
  env?: Readonly<Record<string, string | undefined>>
  /** Reads a file; undefined when it can't. */
  read?: (path: string) => string | undefined
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * The engine that the docker command would use: DOCKER_HOST (with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), then the
 * context of DOCKER_CONTEXT or of the docker command's config, then /var/run/docker.sock. MK_INPUT if what is set is
 * malformed or names a context that isn't there, MK_UNSUPPORTED for a protocol that mk does not speak.
 */
export function resolveEngineAddress(sources: Sources = {}): EngineAddress {
  const { env = process.env, read = readOrNothing } = sources
  const directory = env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker')
  const fromEnv = env['DOCKER_HOST']
  if (fromEnv) {
    const verify = env['DOCKER_TLS_VERIFY'] !== undefined && env['DOCKER_TLS_VERIFY'] !== ''
    const certificates = env['DOCKER_CERT_PATH'] ?? directory
    return parseHost(fromEnv, 'DOCKER_HOST', verify ? tlsFrom(certificates, read) : undefined)
  }
  const context = env['DOCKER_CONTEXT'] ?? currentContext(read(join(directory, 'config.json')))
  if (context && context !== 'default') return fromContext(context, directory, read)
  return parseHost(`unix://${defaultSocket}`, 'the default')
}

function currentContext(config: string | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(config ?? '{}')
    const name = (value as { currentContext?: unknown }).currentContext
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

function fromContext(name: string, directory: string, read: NonNullable<Sources['read']>): EngineAddress {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = read(join(directory, 'contexts', 'meta', id, 'meta.json'))
  const hint = 'see `docker context ls`; set DOCKER_HOST to choose an engine without a context'
  if (meta === undefined) {
    throw new MkError('MK_INPUT', `the docker context ${JSON.stringify(name)} does not exist`, { hint })
  }
  const host = hostOfContext(meta)
  if (!host)
    throw new MkError('MK_INPUT', `the docker context ${JSON.stringify(name)} has no docker endpoint`, {
      hint
    })
  return parseHost(
    host,
    `the docker context "${name}"`,
    tlsFrom(join(directory, 'contexts', 'tls', id, 'docker'), read)
  )
}

function hostOfContext(meta: string): string | undefined {
  try {
    const value = JSON.parse(meta) as { Endpoints?: { docker?: { Host?: string } } }
    return value.Endpoints?.docker?.Host
  } catch {
    return undefined
  }
}

function tlsFrom(directory: string, read: NonNullable<Sources['read']>): EngineAddress['tls'] {
  const files = {
    ca: read(join(directory, 'ca.pem')),
    cert: read(join(directory, 'cert.pem')),
    key: read(join(directory, 'key.pem'))
  }
  const found = Object.fromEntries(Object.entries(files).filter(([, text]) => text !== undefined))
  return Object.keys(found).length > 0 ? found : undefined
}

function parseHost(host: string, source: string, tls?: EngineAddress['tls']): EngineAddress {
  if (host.startsWith('unix://'))
    return { host, source, socketPath: host.slice('unix://'.length) || defaultSocket }
  const protocol = host.includes('://') ? host.slice(0, host.indexOf('://')) : 'tcp'
  if (protocol === 'ssh' || protocol === 'npipe') {
    throw new MkError(
      'MK_UNSUPPORTED',
      `${source} names the engine ${host}: mk does not speak ${protocol}:// yet`,
      {
        hint: "forward the engine's socket (ssh -L /tmp/docker.sock:/var/run/docker.sock host) and set DOCKER_HOST=unix:///tmp/docker.sock"
      }
    )
  }
  let url: URL
  try {
    url = new URL(host.includes('://') ? host : `tcp://${host}`)
  } catch (cause) {
    throw new MkError('MK_INPUT', `${source} is no engine address: ${JSON.stringify(host)}`, {
      hint: 'expected unix:///path or tcp://host:port',
      cause
    })
  }
  if (!['tcp', 'http', 'https'].includes(protocol)) {
    throw new MkError('MK_INPUT', `${source} is no engine address: ${JSON.stringify(host)}`, {
      hint: 'expected unix:///path or tcp://host:port'
    })
  }
  const secure = tls ?? (protocol === 'https' ? {} : undefined)
  const port = Number(url.port || (secure ? 2376 : 2375))
  return { host, source, hostname: url.hostname, port, ...(secure ? { tls: secure } : {}) }
}
