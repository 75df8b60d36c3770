import type { Node, Taint } from '../../api/types.js'
import { toTime } from '../../base/clock.js'
import { conditionOf } from './conditions.js'

const prefix = 'node.kubernetes.io/'
const pressures: Record<string, string> = {
  MemoryPressure: 'memory-pressure',
  DiskPressure: 'disk-pressure',
  PIDPressure: 'pid-pressure',
  NetworkUnavailable: 'network-unavailable'
}
/** The taints that follow from a node's conditions; all others are somebody else's. */
const managed = new Set([
  ...Object.values(pressures).map((name) => `${prefix}${name}/NoSchedule`),
  ...['not-ready', 'unreachable'].flatMap((name) => [
    `${prefix}${name}/NoSchedule`,
    `${prefix}${name}/NoExecute`
  ]),
  `${prefix}unschedulable/NoSchedule`
])

const idOf = ({ key, effect }: Taint): string => `${key}/${effect}`

/**
 * The node's taints as its conditions ask for: not-ready, unreachable (both NoSchedule and NoExecute), pressure,
 * unschedulable (upstream: nodelifecycle doNoScheduleTaintingPass, processTaintBaseEviction). Taints that stay keep
 * their time.
 */
export function taintsFor({ spec, status }: Node, now: Date): Taint[] {
  const wanted: Taint[] = []
  const add = (name: string, ...effects: string[]) => {
    for (const effect of effects) {
      const timeAdded = effect === 'NoExecute' || name === 'unschedulable' ? { timeAdded: toTime(now) } : {}
      wanted.push({ key: `${prefix}${name}`, effect, ...timeAdded })
    }
  }
  const ready = conditionOf(status?.conditions, 'Ready')?.status
  if (ready === 'False') add('not-ready', 'NoSchedule', 'NoExecute')
  if (ready === 'Unknown') add('unreachable', 'NoSchedule', 'NoExecute')
  for (const [type, name] of Object.entries(pressures)) {
    if (conditionOf(status?.conditions, type)?.status === 'True') add(name, 'NoSchedule')
  }
  if (spec.unschedulable) add('unschedulable', 'NoSchedule')
  const current = spec.taints ?? []
  const kept = current.filter((taint) => !managed.has(idOf(taint)))
  return [...kept, ...wanted.map((taint) => current.find((old) => idOf(old) === idOf(taint)) ?? taint)]
}
