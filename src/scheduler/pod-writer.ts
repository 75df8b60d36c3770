import { pods as podKind } from '../api/kinds/pods.js'
import type { Pod, PodCondition } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import { toTime } from '../base/clock.js'
import { isReason } from '../base/status.js'
import type { Client, ResourceClient } from '../client/client.js'
import type { EventRecorder } from '../client/events.js'

/** The scheduler's writes. A pod that is gone meanwhile is no error. */
export class PodWriter {
  readonly #pods: ResourceClient<Pod>
  readonly #events: EventRecorder
  readonly #clock: Clock
  readonly #schedulerName: string

  constructor(options: { client: Client; events: EventRecorder; clock: Clock; schedulerName: string }) {
    this.#pods = options.client.of(podKind)
    this.#events = options.events
    this.#clock = options.clock
    this.#schedulerName = options.schedulerName
  }

  async bind(pod: Pod, nodeName: string): Promise<void> {
    const { name, namespace, uid } = pod.metadata
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName }
    }
    await this.#pods.subresource('binding').create(pod.metadata, binding)
    const message = `Successfully assigned ${namespace ?? ''}/${name} to ${nodeName}`
    this.#events.event(pod, { type: 'Normal', reason: 'Scheduled', message })
  }

  async unschedulable(pod: Pod, message: string): Promise<void> {
    this.#events.event(pod, { type: 'Warning', reason: 'FailedScheduling', message })
    await this.#condition(pod, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message })
  }

  async gated(pod: Pod): Promise<void> {
    const message = 'Scheduling is blocked due to non-empty scheduling gates'
    await this.#condition(pod, { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message })
  }

  /** Promises the node to the pod and deletes the victims, which tells each why. */
  async preempt(pod: Pod, nodeName: string, victims: readonly Pod[]): Promise<void> {
    await this.#patchStatus(pod, { nominatedNodeName: nodeName })
    const message = `${this.#schedulerName}: preempting to accommodate a higher priority pod`
    for (const victim of victims.filter(({ metadata }) => metadata.deletionTimestamp === undefined)) {
      const reason = 'PreemptionByScheduler'
      await this.#condition(victim, { type: 'DisruptionTarget', status: 'True', reason, message })
      try {
        await this.#pods.delete(victim.metadata, { preconditions: { uid: victim.metadata.uid } })
      } catch (error) {
        if (!isReason(error, 'NotFound', 'Conflict')) throw error
        continue
      }
      const text = `Preempted by pod ${pod.metadata.uid} on node ${nodeName}`
      this.#events.event(victim, { type: 'Normal', reason: 'Preempted', message: text })
    }
  }

  async #condition(pod: Pod, condition: PodCondition): Promise<void> {
    const current = pod.status?.conditions?.find(({ type }) => type === condition.type)
    const { status, reason, message } = condition
    if (current?.status === status && current.reason === reason && current.message === message) return
    const now = toTime(this.#clock.now())
    const lastTransitionTime = current?.status === status ? (current.lastTransitionTime ?? now) : now
    await this.#patchStatus(pod, { conditions: [{ ...condition, lastTransitionTime }] })
  }

  async #patchStatus(pod: Pod, status: object): Promise<void> {
    try {
      await this.#pods.patchStatus(pod.metadata, 'strategic', { metadata: { uid: pod.metadata.uid }, status })
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict')) throw error
    }
  }
}
