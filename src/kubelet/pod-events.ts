import type { Pod } from '../api/types.js'
import type { EventRecorder } from '../client/events.js'

export type EmitEvent = (
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  containerName?: string
) => void

/** Events about a pod, or about one of its containers, which the field path then names. */
export function podEvents(recorder: EventRecorder, current: () => Pod): EmitEvent {
  return (type, reason, message, containerName) => {
    const pod = current()
    const isInit = pod.spec.initContainers?.some(({ name }) => name === containerName) === true
    const list = isInit ? 'initContainers' : 'containers'
    const fieldPath = containerName === undefined ? undefined : `spec.${list}{${containerName}}`
    const object = { ...pod, apiVersion: pod.apiVersion ?? 'v1', kind: pod.kind ?? 'Pod' }
    recorder.event(object, { type, reason, message, fieldPath })
  }
}
