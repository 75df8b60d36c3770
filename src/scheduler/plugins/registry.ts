import type { FilterPlugin, ScorePlugin } from '../plugin.js'
import { interPodAffinity, preferredPodAffinity } from './inter-pod-affinity.js'
import { nodeAffinity, preferredNodeAffinity } from './node-affinity.js'
import { nodeName } from './node-name.js'
import { nodePorts } from './node-ports.js'
import { balancedAllocation, leastAllocated, nodeResourcesFit } from './node-resources-fit.js'
import { nodeUnschedulable } from './node-unschedulable.js'
import { podTopologySpread, preferSpread } from './pod-topology-spread.js'
import { preferNoSchedule, taintToleration } from './taint-toleration.js'

/** In order; the first that rejects a node is the reason shown. */
export const filterPlugins: readonly FilterPlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  podTopologySpread,
  interPodAffinity
]

export const scorePlugins: readonly ScorePlugin[] = [
  preferNoSchedule,
  preferredNodeAffinity,
  leastAllocated,
  balancedAllocation,
  preferSpread,
  preferredPodAffinity
]
