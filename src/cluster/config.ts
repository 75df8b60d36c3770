import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import type { UpOptions } from '../base/control.js'
import { MkError, messageOf } from '../base/errors.js'

/** What a cluster is made from; kept as JSON beside its state. */
export interface ClusterConfig {
  version: 1
  nodes: number
  /** Ports that the user asked for; without one the preferred port is taken, or another if that is busy. */
  apiPort?: number
  httpPort?: number
  httpsPort?: number
  /** Address of the listeners for Ingress, LoadBalancer and NodePort. */
  listen: string
  serviceCidr: string
  dnsServiceIp: string
  kubernetesServiceIp: string
  clusterDomain: string
}

const defaults: ClusterConfig = {
  version: 1,
  nodes: 1,
  listen: '127.0.0.1',
  serviceCidr: '10.96.0.0/16',
  dnsServiceIp: '10.96.0.10',
  kubernetesServiceIp: '10.96.0.1',
  clusterDomain: 'cluster.local'
}

const port = { type: 'integer', minimum: 1, maximum: 65535 }

/** What a user may choose; the rest of the configuration is mk's own. */
const choices = {
  type: 'object',
  properties: {
    nodes: { type: 'integer', minimum: 1, maximum: 100 },
    apiPort: port,
    httpPort: port,
    httpsPort: port,
    listen: { type: 'string', format: 'ipv4' }
  }
}

/** Every problem at once, as `nodes: 0 must be >= 1`. */
async function problemsOf(config: object): Promise<string[]> {
  // The validator takes longer to load than a cluster to start; with the defaults there is nothing to check.
  const { Ajv } = await import('ajv')
  const ajv = new Ajv({ allErrors: true, verbose: true, formats: { ipv4: isIPv4 } })
  if (ajv.validate(choices, config)) return []
  return (ajv.errors ?? []).map(
    ({ instancePath, data, message }) =>
      `${instancePath.slice(1)}: ${JSON.stringify(data)} ${message ?? 'is wrong'}`
  )
}

/**
 * The stored configuration (defaults where there is none) with the options of this `mk up` laid over it. Fails with
 * MK_INPUT that names every problem.
 */
export async function resolveConfig(
  stored: Partial<ClusterConfig>,
  options: UpOptions
): Promise<ClusterConfig> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const chosen = { ...stored, ...given }
  const problems = Object.keys(given).length > 0 ? await problemsOf(chosen) : []
  if (problems.length > 0) {
    throw new MkError('MK_INPUT', `the cluster can't be made like this: ${problems.join('; ')}`, {
      hint: 'see mk up --help'
    })
  }
  return { ...defaults, ...chosen }
}

/** Reads the stored configuration; none gives an empty one. Damage is MK_STATE_CORRUPT: it is never ignored. */
export function readConfig(path: string): Partial<ClusterConfig> {
  if (!existsSync(path)) return {}
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<ClusterConfig>
  } catch (error) {
    throw new MkError(
      'MK_STATE_CORRUPT',
      `the cluster's configuration ${path} can't be read: ${messageOf(error)}`,
      {
        hint: 'mend the file, or delete it to begin with the defaults (the objects are kept elsewhere)',
        cause: error
      }
    )
  }
}

/** Replaces the file in one step: a crash leaves the old or the new one. */
export function writeConfig(path: string, config: ClusterConfig): void {
  writeFileSync(`${path}.new`, JSON.stringify(config, null, 2) + '\n', { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
