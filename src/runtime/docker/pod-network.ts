import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type Docker from 'dockerode'
import { isMkError, MkError } from '../../base/errors.js'
import { cidrsOverlap, formatIpv4, parseCidr, parseIpv4, type Cidr } from '../../base/ip.js'
import type { Engine } from './engine.js'
import { statusOf } from './engine-errors.js'
import { label } from './labels.js'

/** Addresses at the start of the pod range that Docker may give to containers of its own on the network. */
export const engineAddresses = 256

export interface PodNetwork {
  id: string
  name: string
  cidr: string
  prefix: number
  gateway: string
  /** The bridge's interface on the host. */
  bridge: string
}

/** Interface names have at most 15 characters. */
export function bridgeName(cluster: string): string {
  const plain = `mk-${cluster}`
  return plain.length <= 15 ? plain : `mk-${createHash('sha256').update(cluster).digest('hex').slice(0, 12)}`
}

/** 10.244.0.0/16 first, as everybody expects; never 10.96.0.0/12, where services live. */
export function* candidateRanges(): Generator<string> {
  for (let i = 244; i <= 254; i++) yield `10.${String(i)}.0.0/16`
  for (let i = 200; i <= 243; i++) yield `10.${String(i)}.0.0/16`
  for (let i = 20; i <= 31; i++) yield `172.${String(i)}.0.0/16`
  for (let i = 96; i <= 127; i++) yield `100.${String(i)}.0.0/16`
}

/** The first candidate that overlaps with nothing in use. MK_NETWORK_CONFLICT if there is none. */
export function chooseRange(
  taken: readonly Cidr[],
  candidates: Iterable<string> = candidateRanges()
): string {
  for (const candidate of candidates) {
    const range = parseCidr(candidate)
    if (range && !taken.some((other) => cidrsOverlap(range, other))) return candidate
  }
  throw new MkError(
    'MK_NETWORK_CONFLICT',
    'no free address range for pods: all that mk tries overlap with networks of the engine or routes of this host',
    {
      hint: 'remove Docker networks that are not needed: docker network ls, docker network prune'
    }
  )
}

/** Ranges in the kernel's route table (/proc/net/route: hexadecimal, host byte order), without the default route. */
export function parseRoutes(table: string): Cidr[] {
  const ranges: Cidr[] = []
  for (const line of table.split('\n').slice(1)) {
    const [, destination, , , , , , mask] = line.trim().split(/\s+/)
    if (!destination || !mask || mask === '00000000') continue
    const [base, bits] = [destination, mask].map((hex) => Buffer.from(hex, 'hex').readUInt32LE(0))
    const length = (bits ?? 0).toString(2).replaceAll('0', '').length
    ranges.push({ base: base ?? 0, bits: length })
  }
  return ranges
}

function hostRanges(): Cidr[] {
  const ranges = Object.values(networkInterfaces())
    .flat()
    .flatMap((address) => (address?.family === 'IPv4' && address.cidr ? [parseCidr(address.cidr)] : []))
    .filter((range) => range !== undefined)
  try {
    return [...ranges, ...parseRoutes(readFileSync('/proc/net/route', 'utf8'))]
  } catch {
    return ranges // no Linux: the engine's networks are all that can clash
  }
}

interface NetworkAnswer {
  Id: string
  Name: string
  Labels?: Record<string, string> | null
  IPAM?: { Config?: { Subnet?: string; Gateway?: string }[] | null }
  Options?: Record<string, string> | null
}

function podNetwork(answer: NetworkAnswer, cluster: string): PodNetwork | undefined {
  const config = (answer.IPAM?.Config ?? []).find(({ Subnet }) => Subnet !== undefined && parseCidr(Subnet))
  const range = parseCidr(config?.Subnet ?? '')
  if (!config?.Subnet || !range) return undefined
  // The engine writes a gateway as an address or, in old versions, with its prefix.
  const gateway = (config.Gateway ?? '').split('/')[0] ?? ''
  return {
    id: answer.Id,
    name: answer.Name,
    cidr: config.Subnet,
    prefix: range.bits,
    gateway: parseIpv4(gateway) === undefined ? formatIpv4(range.base + 1) : gateway,
    bridge: answer.Options?.['com.docker.network.bridge.name'] ?? bridgeName(cluster)
  }
}

/** Finds the cluster's bridge network, or makes it. `podCidr` fixes its range; otherwise a free one is chosen. */
export async function ensurePodNetwork(
  engine: Engine,
  options: { cluster: string; podCidr?: string; serviceCidr?: string }
): Promise<PodNetwork> {
  const { cluster, serviceCidr } = options
  const name = `mk-${cluster}`
  const networks = (await engine.call('list the networks', () =>
    engine.docker.listNetworks()
  )) as NetworkAnswer[]
  const existing = networks.find((network) => network.Name === name)
  if (existing) {
    if (existing.Labels?.[label.cluster] !== cluster) {
      throw new MkError('MK_NETWORK_CONFLICT', `the engine has a network ${name} that is not mk's`, {
        hint: `remove it (docker network rm ${name}) or choose another cluster name`
      })
    }
    const network = podNetwork(existing, cluster)
    if (network) return network
    throw new MkError('MK_NETWORK_CONFLICT', `the network ${name} has no IPv4 range`, {
      hint: `remove it: docker network rm ${name}`
    })
  }
  const taken = networks
    .flatMap((network) => network.IPAM?.Config ?? [])
    .map(({ Subnet }) => parseCidr(Subnet ?? ''))
    .filter((range) => range !== undefined)
  const all = engine.local ? [...taken, ...hostRanges()] : taken
  const candidates = options.podCidr ? [options.podCidr] : [...candidateRanges()]
  const labels = {
    [label.cluster]: cluster,
    [label.kind]: 'network',
    ...(serviceCidr === undefined ? {} : { [label.serviceCidr]: serviceCidr })
  }
  return await createNetwork(engine, { cluster, labels }, all, candidates)
}

/** The clusters on this engine that have this range for their Services. */
export async function clustersWithServiceRange(engine: Engine, serviceCidr: string): Promise<string[]> {
  const filters = { label: [`${label.serviceCidr}=${serviceCidr}`] }
  const networks = await engine.call('list the networks', () => engine.docker.listNetworks({ filters }))
  return networks.flatMap((network) => network.Labels?.[label.cluster] ?? [])
}

async function createNetwork(
  engine: Engine,
  names: { cluster: string; labels: Record<string, string> },
  taken: readonly Cidr[],
  candidates: readonly string[]
): Promise<PodNetwork> {
  const { cluster, labels } = names
  const cidr = chooseRange(taken, candidates)
  const range = parseCidr(cidr)
  if (!range || range.bits > 23)
    throw new MkError('MK_INPUT', `the pod range ${cidr} must be a /23 or larger`)
  const gateway = formatIpv4(range.base + 1)
  const bridge = bridgeName(cluster)
  const request: Docker.NetworkCreateOptions = {
    Name: `mk-${cluster}`,
    Driver: 'bridge',
    Labels: labels,
    IPAM: {
      Driver: 'default',
      Config: [{ Subnet: cidr, IPRange: `${formatIpv4(range.base)}/24`, Gateway: gateway }]
    },
    Options: { 'com.docker.network.bridge.name': bridge }
  }
  try {
    const network = await engine.call(`create the network mk-${cluster}`, () =>
      engine.docker.createNetwork(request)
    )
    return { id: network.id, name: `mk-${cluster}`, cidr, prefix: range.bits, gateway, bridge }
  } catch (error) {
    // 403: overlaps with a route or network that we could not see (made meanwhile, or on a remote host).
    const overlap =
      isMkError(error, 'MK_ENGINE_FAILED') && (statusOf(error) === 403 || /overlap/i.test(error.message))
    if (!overlap || candidates.length < 2) throw error
    return await createNetwork(engine, names, [...taken, range], candidates)
  }
}

export async function removePodNetwork(engine: Engine, cluster: string): Promise<void> {
  const filters = { label: [`${label.cluster}=${cluster}`] }
  const networks = await engine.call('list the networks', () => engine.docker.listNetworks({ filters }))
  for (const network of networks) {
    await engine
      .call(
        `remove the network ${network.Name}`,
        () => engine.docker.getNetwork(network.Id).remove() as Promise<unknown>,
        { notFound: 'MK_CONTAINER_NOT_FOUND' }
      )
      .catch((error: unknown) => {
        if (!isMkError(error, 'MK_CONTAINER_NOT_FOUND')) throw error
      })
  }
}
