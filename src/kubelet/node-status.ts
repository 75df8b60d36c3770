import type { Node, NodeCondition, NodeStatus } from '../api/types.js'
import { toTime } from '../base/clock.js'
import { canonicalQuantity } from '../base/quantity.js'
import type { ImageState, RuntimeInfo } from '../runtime/runtime.js'

export interface NodeFacts {
  nodeName: string
  hostIp: string
  /** What kubectl shows as the node's version. */
  kubeletVersion: string
  info: RuntimeInfo
  /** Declared resources; what is left out is the engine's. */
  capacity: Readonly<Record<string, string>>
  machineId: string
  bootId: string
  /** Size of the disk with pods' files, which is what requests of ephemeral-storage are counted against. */
  diskBytes: number
  images: readonly ImageState[]
  /** Why the engine does not answer; undefined when it does. */
  trouble: string | undefined
}

const maxPods = '110'
const maxImages = 50

/**
 * The status of a node. Resources that are not its own (`example.com/foo`) were put there by others: they are kept,
 * and mirrored from capacity to allocatable.
 */
export function nodeStatus(node: Node, facts: NodeFacts, now: Date): NodeStatus {
  const { info } = facts
  const old = node.status ?? {}
  const own = {
    cpu: String(info.cpus),
    memory: canonicalQuantity(`${String(Math.floor(info.memoryBytes / 1024))}Ki`),
    pods: maxPods,
    'ephemeral-storage': canonicalQuantity(`${String(Math.floor(facts.diskBytes / 1024))}Ki`),
    ...facts.capacity
  }
  const capacity = { ...old.capacity, ...own }
  return {
    ...old,
    capacity,
    allocatable: { ...capacity },
    addresses: [
      { type: 'InternalIP', address: facts.hostIp },
      { type: 'Hostname', address: facts.nodeName }
    ],
    conditions: mergeConditions(old.conditions ?? [], conditionsOf(facts), toTime(now)),
    daemonEndpoints: old.daemonEndpoints ?? { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: info.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: `${info.engine}://${info.engineVersion}`,
      kernelVersion: info.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: facts.kubeletVersion,
      machineID: facts.machineId,
      operatingSystem: info.operatingSystem,
      osImage: info.osImage,
      systemUUID: facts.machineId
    },
    images: imagesOf(facts.images)
  }
}

type Condition = Omit<NodeCondition, 'lastHeartbeatTime' | 'lastTransitionTime'>

function conditionsOf({ trouble }: NodeFacts): Condition[] {
  const ready: Condition =
    trouble === undefined
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : {
          type: 'Ready',
          status: 'False',
          reason: 'KubeletNotReady',
          message: `container runtime is down: ${trouble}`
        }
  const fine = (type: string, reason: string, message: string): Condition => ({
    type,
    status: 'False',
    reason,
    message
  })
  return [
    fine('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    fine('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    fine('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    ready
  ]
}

/** Heartbeats go to the Lease, so the times here move only when something changes. */
function mergeConditions(
  old: readonly NodeCondition[],
  own: readonly Condition[],
  now: string
): NodeCondition[] {
  const merged = own.map((condition): NodeCondition => {
    const before = old.find(({ type }) => type === condition.type)
    const isSame = before?.status === condition.status && before.reason === condition.reason
    return {
      ...condition,
      lastHeartbeatTime: isSame ? (before.lastHeartbeatTime ?? now) : now,
      lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? now) : now
    }
  })
  return [...old.filter(({ type }) => !own.some((condition) => condition.type === type)), ...merged]
}

function imagesOf(images: readonly ImageState[]): NodeStatus['images'] {
  return [...images]
    .filter(({ tags, digests }) => tags.length + digests.length > 0)
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, maxImages)
    .map(({ tags, digests, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes }))
}
