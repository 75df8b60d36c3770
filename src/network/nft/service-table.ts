import { parseIpv4 } from '../../base/ip.js'
import type { Cidr } from '../../base/ip.js'
import { Batch } from './batch.js'
import type { SetElement } from './batch.js'
import {
  deleteFromMap,
  hostNumber,
  isEqual,
  isTranslated,
  loadDestination,
  loadDestinationPort,
  loadOutputInterface,
  loadProtocol,
  lookup,
  maskBits,
  masquerade,
  randomBelow,
  register,
  rejectWithReset,
  rejectWithUnreachable,
  setConntrackMark,
  translateDestination,
  updateMap
} from './expressions.js'
import type { Expression } from './expressions.js'

/** A place that connections go to. */
export interface Endpoint {
  ip: string
  port: number
}

/** One address, protocol and port that pods connect to, and where such connections go. */
export interface ServiceEntry {
  ip: string
  protocol: 'TCP' | 'UDP'
  port: number
  /** None: connections are refused. */
  endpoints: readonly Endpoint[]
  /** Session affinity by client address: how long a pod keeps its endpoint after its last new connection. */
  affinitySeconds?: number | undefined
}

/** All services, keyed by {@link entryKey}. */
export type ServiceTable = ReadonlyMap<string, ServiceEntry>

export const entryKey = (entry: Pick<ServiceEntry, 'ip' | 'protocol' | 'port'>): string =>
  `${entry.ip}/${entry.protocol}/${String(entry.port)}`

/**
 * Which maps and rules are in the kernel: they are added when first needed and stay until the whole table is
 * replaced, so that most changes touch single elements only.
 */
export interface TableShape {
  /** Endpoint counts: each has a map `ep<count>`. */
  counts: ReadonlySet<number>
  /** Time-outs of session affinity in seconds: each has a set `sticky<seconds>`. */
  timeouts: ReadonlySet<number>
}

const tableName = 'mk'
const protocolNumber = { TCP: 6, UDP: 17 } as const
const loopbackIndex = 1 // "lo" has index 1 in every network namespace
const refusedSet = 'refused'
const liveSet = 'live'
const affinityMap = 'affinity'
const endpointMap = (count: number) => `ep${String(count)}`
const stickySet = (seconds: number) => `sticky${String(seconds)}`
const keyTypes = ['ipv4', 'protocol', 'port'] as const
const targetTypes = ['ipv4', 'port'] as const

/** The shape that these services need, on top of what is there. */
export function shapeOf(entries: Iterable<ServiceEntry>, present?: TableShape): TableShape {
  const counts = new Set(present?.counts)
  const timeouts = new Set(present?.timeouts)
  for (const { endpoints, affinitySeconds } of entries) {
    if (endpoints.length === 0) continue
    counts.add(endpoints.length)
    if (affinitySeconds !== undefined) timeouts.add(affinitySeconds)
  }
  return { counts, timeouts }
}

/**
 * The transaction that replaces the whole table `ip mk` of a pod's network namespace.
 *
 * - `sticky`, `services` (nat, output): a map per endpoint count N from (address, protocol, port, random below N) to
 *   an endpoint. UDP connections are marked with the endpoint's address, for {@link forgetConnections}.
 * - session affinity: the map `affinity` remembers (address, protocol, port) → endpoint for the service's time-out and
 *   is obeyed as long as the endpoint is in `live`. The client is always this pod, so its address is not in the key.
 *   (The rule that looks into `live` can't be written in nft's language, so `nft list` fails where there is one.)
 * - `hairpin` (nat, postrouting): a pod that reaches itself through a service is masqueraded.
 * - `refuse` (filter, output): services without endpoints, and whatever else goes to the service range untranslated,
 *   is refused here and never leaves the pod: TCP with a reset, anything else with ICMP port unreachable.
 */
export function encodeTable(table: ServiceTable, shape: TableShape, serviceCidr: Cidr): Buffer {
  const batch = new Batch(tableName)
  batch.replaceTable()
  batch.newChain({ name: 'sticky', type: 'nat', hook: 'output', priority: -101 })
  batch.newChain({ name: 'services', type: 'nat', hook: 'output', priority: -100 })
  batch.newChain({ name: 'refuse', type: 'filter', hook: 'output', priority: 0 })
  batch.newChain({ name: 'hairpin', type: 'nat', hook: 'postrouting', priority: 100 })

  batch.newSet({ name: refusedSet, key: keyTypes })
  addRefusal(batch, [...loadKey(), lookup(refusedSet, register.first)])
  addRefusal(batch, isInRange(serviceCidr))
  const leavesByLoopback = [loadOutputInterface(1), isEqual(1, hostNumber(loopbackIndex))]
  batch.newRule('hairpin', [...isTranslated(), ...leavesByLoopback, masquerade()])

  batch.newSet({ name: liveSet, key: [...keyTypes, ...targetTypes] })
  batch.newSet({ name: affinityMap, key: keyTypes, value: targetTypes, dynamic: true })
  addShape(batch, { counts: new Set(), timeouts: new Set() }, shape)
  for (const [set, elements] of elementsOf(table.values())) batch.addElements(set, [...elements.values()])
  return batch.toBuffer()
}

/**
 * The transaction from one state of some services to another, touching only what differs; undefined if nothing does.
 * `present` is the shape that is in the kernel, `needed` a superset of it.
 */
export function encodeChange(
  before: readonly ServiceEntry[],
  after: readonly ServiceEntry[],
  present: TableShape,
  needed: TableShape
): Buffer | undefined {
  const batch = new Batch(tableName)
  addShape(batch, present, needed)
  const old = elementsOf(before)
  const fresh = elementsOf(after)
  for (const [set, elements] of old) batch.deleteElements(set, missingFrom(elements, fresh.get(set)))
  for (const [set, elements] of fresh) batch.addElements(set, missingFrom(elements, old.get(set)))
  return batch.size === 0 ? undefined : batch.toBuffer()
}

type Elements = Map<string, SetElement>

function missingFrom(elements: Elements, other: Elements = new Map()): SetElement[] {
  return [...elements].filter(([identity]) => !other.has(identity)).map(([, element]) => element)
}

function elementsOf(entries: Iterable<ServiceEntry>): Map<string, Elements> {
  const bySet = new Map<string, Elements>()
  const put = (set: string, element: SetElement) => {
    const elements = bySet.get(set) ?? new Map<string, SetElement>()
    bySet.set(set, elements)
    elements.set(identityOf(element), element)
  }
  for (const entry of entries) {
    const key = encodeKey(entry)
    const { endpoints, affinitySeconds } = entry
    if (endpoints.length === 0) put(refusedSet, { key })
    endpoints.forEach((endpoint, index) => {
      const value = encodeTarget(endpoint)
      put(endpointMap(endpoints.length), { key: Buffer.concat([key, hostNumber(index)]), value })
      if (affinitySeconds !== undefined) put(liveSet, { key: Buffer.concat([key, value]) })
    })
    if (affinitySeconds !== undefined && endpoints.length > 0) put(stickySet(affinitySeconds), { key })
  }
  return bySet
}

const identityOf = ({ key, value }: SetElement) =>
  key.toString('latin1') + (value ? value.toString('latin1') : '')

function encodeKey(entry: ServiceEntry): Buffer {
  const key = Buffer.alloc(12)
  key.writeUInt32BE(addressOf(entry.ip), 0)
  key.writeUInt8(protocolNumber[entry.protocol], 4)
  key.writeUInt16BE(entry.port, 8)
  return key
}

function encodeTarget(endpoint: Endpoint): Buffer {
  const target = Buffer.alloc(8)
  target.writeUInt32BE(addressOf(endpoint.ip), 0)
  target.writeUInt16BE(endpoint.port, 4)
  return target
}

function addressOf(ip: string): number {
  const address = parseIpv4(ip)
  if (address === undefined) throw new TypeError(`not an IPv4 address: ${ip}`)
  return address
}

const loadKey = (): Expression[] => [
  loadDestination(register.first),
  loadProtocol(register.second),
  loadDestinationPort(register.third)
]

const isProtocol = (protocol: keyof typeof protocolNumber): Expression[] => [
  loadProtocol(register.first),
  isEqual(register.first, Buffer.from([protocolNumber[protocol]]))
]

function isInRange(range: Cidr): Expression[] {
  const base = Buffer.alloc(4)
  base.writeUInt32BE(range.base)
  const mask = Buffer.alloc(4)
  mask.writeUInt32BE(range.bits === 0 ? 0 : (0xffffffff << (32 - range.bits)) >>> 0)
  return [loadDestination(register.first), maskBits(register.first, mask), isEqual(register.first, base)]
}

function addRefusal(batch: Batch, condition: readonly Expression[]): void {
  batch.newRule('refuse', [...condition, ...isProtocol('TCP'), rejectWithReset()])
  batch.newRule('refuse', [...condition, rejectWithUnreachable()])
}

/** Adds the maps and rules that `needed` has and `present` lacks. */
function addShape(batch: Batch, present: TableShape, needed: TableShape): void {
  const newCounts = [...needed.counts].filter((count) => !present.counts.has(count))
  const newTimeouts = [...needed.timeouts].filter((seconds) => !present.timeouts.has(seconds))
  for (const count of newCounts) {
    batch.newSet({ name: endpointMap(count), key: [...keyTypes, 'mark'], value: targetTypes })
    addRules(batch, 'services', (protocol) => [...isProtocol(protocol), ...loadKey(), ...pick(count)])
  }
  for (const seconds of newTimeouts) {
    batch.newSet({ name: stickySet(seconds), key: keyTypes })
    addRules(batch, 'sticky', (protocol) => [...isProtocol(protocol), ...obeyAffinity(seconds)])
  }
  // The rules that pick an endpoint come after those that obey the choice made before. A time-out that comes later
  // keeps to that: a key is in one sticky set only.
  for (const seconds of needed.timeouts) {
    for (const count of needed.counts) {
      if (present.counts.has(count) && present.timeouts.has(seconds)) continue
      addRules(batch, 'sticky', (protocol) => [
        ...isProtocol(protocol),
        ...isSticky(seconds),
        ...pick(count),
        // What is remembered for a dead endpoint would stay: an update leaves the value of a key as it is.
        deleteFromMap(affinityMap, register.first, register.fourth),
        remember(seconds)
      ])
    }
  }
}

// UDP has rules of its own, because only its connections are marked.
function addRules(
  batch: Batch,
  chain: 'sticky' | 'services',
  condition: (protocol: keyof typeof protocolNumber) => readonly Expression[]
): void {
  const translate = translateDestination(register.fourth, register.fifth)
  batch.newRule(chain, [...condition('TCP'), translate])
  batch.newRule(chain, [...condition('UDP'), setConntrackMark(register.fourth), translate])
}

/** With the key in the first three fields: a random endpoint into the fourth and fifth. */
const pick = (count: number): Expression[] => [
  randomBelow(count, register.fourth),
  lookup(endpointMap(count), register.first, register.fourth)
]

const isSticky = (seconds: number): Expression[] => [...loadKey(), lookup(stickySet(seconds), register.first)]

const remember = (seconds: number) => updateMap(affinityMap, register.first, register.fourth, seconds * 1000)

const obeyAffinity = (seconds: number): Expression[] => [
  ...isSticky(seconds),
  lookup(affinityMap, register.first, register.fourth),
  lookup(liveSet, register.first),
  remember(seconds)
]
