import type { FilterPlugin, ScorePlugin } from '../plugin.js'
import { assumedUse } from '../node-info.js'

/** Requests must fit into what the node's pods leave, the number of pods included. */
export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  changes: ['node', 'pod-gone'],
  prepare: ({ requests }) => {
    const wanted = [...requests].filter(([, amount]) => amount > 0)
    return ({ allocatable, requested, pods }) => {
      const reasons: string[] = []
      let preemptible = true
      if (pods.size + 1 > (allocatable.get('pods') ?? Infinity)) reasons.push('Too many pods')
      for (const [name, amount] of wanted) {
        const limit = allocatable.get(name) ?? 0
        if (amount <= limit - (requested.get(name) ?? 0)) continue
        reasons.push(`Insufficient ${name}`)
        // More than the whole node has: taking pods off it won't help.
        if (amount > limit) preemptible = false
      }
      return reasons.length > 0 ? { reasons, preemptible } : undefined
    }
  }
}

/** The emptier the node would be, the better (LeastAllocated over cpu and memory). */
export const leastAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  score: (info, nodes) => {
    const use = assumedUse(info)
    const free = (limit: number, used: number) =>
      limit <= 0 || used > limit ? 0 : ((limit - used) * 100) / limit
    return nodes.map(({ allocatable, assumed }) => {
      const cpu = free(allocatable.get('cpu') ?? 0, assumed.cpu + use.cpu)
      const memory = free(allocatable.get('memory') ?? 0, assumed.memory + use.memory)
      return Math.floor((cpu + memory) / 2)
    })
  }
}

/** The closer the used shares of cpu and memory are, the better (BalancedAllocation). */
export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  score: (info, nodes) => {
    const use = assumedUse(info)
    const share = (used: number, limit: number | undefined) => (limit ? Math.min(1, used / limit) : 1)
    return nodes.map(({ allocatable, assumed }) => {
      const cpu = share(assumed.cpu + use.cpu, allocatable.get('cpu'))
      const memory = share(assumed.memory + use.memory, allocatable.get('memory'))
      return Math.floor((1 - Math.abs(cpu - memory) / 2) * 100)
    })
  }
}
