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

const maxNodes = 100

/** Every problem of the options at once. */
function problemsOf(config: ClusterConfig): string[] {
  const problems: string[] = []
  if (!Number.isInteger(config.nodes) || config.nodes < 1 || config.nodes > maxNodes) {
    problems.push(`nodes: ${config.nodes} is not a whole number from 1 to ${maxNodes}`)
  }
  for (const name of ['apiPort', 'httpPort', 'httpsPort'] as const) {
    const port = config[name]
    if (port !== undefined && (!Number.isInteger(port) || port < 1 || port > 65535)) {
      problems.push(`${name}: ${port} is not a port (1-65535)`)
    }
  }
  if (!isIPv4(config.listen)) problems.push(`listen: "${config.listen}" is not an IPv4 address of this host`)
  return problems
}

/** The stored configuration (defaults where there is none) with the options of this `mk up` laid over it. */
export function resolveConfig(stored: Partial<ClusterConfig>, options: UpOptions): ClusterConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const config: ClusterConfig = { ...defaults, ...stored, ...given }
  const problems = problemsOf(config)
  if (problems.length > 0) {
    throw new MkError('MK_INPUT', `the cluster can't be made like this: ${problems.join('; ')}`, {
      hint: 'see mk up --help'
    })
  }
  return config
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
