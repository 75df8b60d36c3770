import { pods as podKind } from '../../api/kinds/pods.js'
import type { Pod, PodTemplateSpec } from '../../api/types.js'
import type { New, OwnerReference } from '../../base/object.js'
import { messageOf } from '../../base/errors.js'
import { isReason } from '../../base/status.js'
import type { ResourceClient } from '../../client/client.js'
import type { KubeObject } from '../../base/object.js'
import type { EventRecorder } from '../../client/events.js'

/** A pod of the template, named after its owner (upstream: GetPodFromTemplate). */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: KubeObject,
  reference: OwnerReference
): New<Pod> {
  const { labels = {}, annotations = {}, finalizers } = template.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: podKind.kind,
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [reference]
    },
    spec: structuredClone(template.spec ?? { containers: [] })
  }
}

/** The namespace is going away: nothing can be created in it, and that is no failure. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  isReason(error, 'Forbidden') &&
  (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')

/**
 * Calls `action` for 0 … count-1 in batches of 1, 2, 4, …; a batch with an error is the last, so that a quota or a
 * refused template costs one failed call and not hundreds (upstream: slowStartBatch). Throws the first error.
 */
export async function slowStart(count: number, action: (index: number) => Promise<void>): Promise<void> {
  for (let done = 0, size = 1; done < count; done += size, size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - done) }, (_, i) => action(done + i))
    const failed = (await Promise.allSettled(batch)).find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}

/** Deletes all at once; one that is gone already counts as deleted. Records an event on the owner for each. */
export async function deletePods(options: {
  pods: ResourceClient<Pod>
  victims: readonly Pod[]
  owner: KubeObject
  events: EventRecorder
  onDelete: (pod: Pod) => void
}): Promise<void> {
  const { pods, victims, owner, events, onDelete } = options
  const results = await Promise.allSettled(
    victims.map(async (pod) => {
      try {
        await pods.delete(pod.metadata, { preconditions: { uid: pod.metadata.uid } })
      } catch (error) {
        if (isReason(error, 'NotFound', 'Conflict')) return
        events.event(owner, {
          type: 'Warning',
          reason: 'FailedDelete',
          message: `Error deleting: ${messageOf(error)}`
        })
        throw error
      }
      onDelete(pod)
      events.event(owner, {
        type: 'Normal',
        reason: 'SuccessfulDelete',
        message: `Deleted pod: ${pod.metadata.name}`
      })
    })
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
