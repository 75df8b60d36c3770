import { leases as leaseKind } from '../api/kinds/leases.js'
import { nodes as nodeKind } from '../api/kinds/nodes.js'
import { pods as podKind } from '../api/kinds/pods.js'
import type { Node, NodeCondition, Pod } from '../api/types.js'
import { toTime } from '../base/clock.js'
import { isReason } from '../base/status.js'
import type { ControllerFactory } from '../reconcile/controller.js'
import { conditionOf, withoutCondition } from './support/conditions.js'
import { semanticEqual } from './support/equal.js'
import { taintsFor } from './support/node-taints.js'
import { isReady } from './support/pods.js'

/** A node that gives no sign of life for so long is unreachable (upstream: --node-monitor-grace-period). */
const graceMs = 40_000
/** A timer this late means that the process was stopped: the host slept. */
const lateMs = 5000
const leaseNamespace = 'kube-node-lease'
const heartbeats = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

interface Watched {
  /** When the last sign of life was seen, by this process's clock: clocks of nodes don't matter. */
  seenMs: number
  /** When the timer should look next. */
  dueMs: number
  lost?: boolean
}

/**
 * Marks nodes that stopped renewing their lease Unknown, keeps the taints that follow from node conditions, and takes
 * pods of lost nodes out of service (upstream: pkg/controller/nodelifecycle). Only what happens while it runs counts:
 * after a start, or after the host slept, every node has the full time to report again.
 */
export const nodeLifecycleController: ControllerFactory = ({ client, informers, clock, recorder }) => {
  const nodes = informers.of(nodeKind)
  const leases = informers.of(leaseKind)
  const pods = informers.of(podKind)
  pods.index('nodeName', (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
  const events = recorder('node-controller')
  const watched = new Map<string, Watched>()

  const nowMs = () => clock.now().getTime()

  function seen(name: string): void {
    watched.set(name, { seenMs: nowMs(), dueMs: nowMs() + graceMs })
  }

  /** How long until the node is lost, in ms; 0 if it is. */
  function timeLeft(name: string): number {
    const state = watched.get(name)
    if (state?.lost) return 0
    if (!state || nowMs() > state.dueMs + lateMs) {
      // Nobody could report while everything stood still: all begin anew.
      for (const known of [name, ...watched.keys()]) seen(known)
      return graceMs
    }
    const left = Math.max(0, state.seenMs + graceMs - nowMs())
    state.lost = left === 0
    return left
  }

  async function markUnknown(node: Node): Promise<Node> {
    const current = node.status?.conditions
    const types = heartbeats.filter((type) => conditionOf(current, type)?.status !== 'Unknown')
    if (types.length === 0) return node
    const now = toTime(clock.now())
    const unknown = types.map((type): NodeCondition => {
      const before = conditionOf(current, type)
      return {
        type,
        status: 'Unknown',
        reason: before ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated',
        message: before ? 'Kubelet stopped posting node status.' : 'Kubelet never posted node status.',
        lastHeartbeatTime: before?.lastHeartbeatTime ?? node.metadata.creationTimestamp ?? now,
        lastTransitionTime: now
      }
    })
    const others = (current ?? []).filter(({ type }) => !types.includes(type))
    const { name } = node.metadata
    events.event(node, {
      type: 'Normal',
      reason: 'NodeNotReady',
      message: `Node ${name} status is now: NodeNotReady`
    })
    return client
      .of(nodeKind)
      .updateStatus({ ...node, status: { ...node.status, conditions: [...others, ...unknown] } })
  }

  async function setTaints(node: Node): Promise<void> {
    const taints = taintsFor(node, clock.now())
    if (semanticEqual(taints, node.spec.taints)) return
    await client.of(nodeKind).update({ ...node, spec: { ...node.spec, taints } })
  }

  /** Its kubelet can't say so itself: endpoints must not lead to a lost node. */
  async function markNotReady(pod: Pod): Promise<void> {
    if (!isReady(pod)) return
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: toTime(clock.now()) }
    const conditions = [...withoutCondition(pod.status?.conditions, 'Ready'), condition]
    try {
      await client.of(podKind).updateStatus({ ...pod, status: { ...pod.status, conditions } })
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }

  return {
    name: 'node-lifecycle',

    watch(queue) {
      return [
        nodes.onChange(({ type, object, previous }) => {
          const { name } = object.metadata
          if (type === 'deleted') {
            watched.delete(name)
            return
          }
          const beat = (node: Node | undefined) =>
            conditionOf(node?.status?.conditions, 'Ready')?.lastHeartbeatTime
          if (!watched.has(name) || beat(previous) !== beat(object)) seen(name)
          queue.add(name)
        }),
        leases.onChange(({ type, object: { metadata, spec }, previous }) => {
          if (metadata.namespace !== leaseNamespace || type === 'deleted') return
          if (spec.renewTime !== previous?.spec.renewTime && watched.has(metadata.name)) seen(metadata.name)
        })
      ]
    },

    async reconcile(name) {
      const node = nodes.get(name)
      if (!node) {
        watched.delete(name)
        return undefined
      }
      const left = timeLeft(name)
      const current = left > 0 ? node : await markUnknown(node)
      await setTaints(current)
      if (conditionOf(current.status?.conditions, 'Ready')?.status === 'Unknown') {
        for (const pod of pods.byIndex('nodeName', name)) await markNotReady(pod)
      }
      if (left <= 0) return undefined
      // The timer looks for the node's first due time; signs of life until then move it on.
      return { requeueAfterMs: left }
    }
  }
}
