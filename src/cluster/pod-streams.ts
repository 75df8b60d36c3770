import type { Pod } from '../api/types.js'
import type { PodStreams } from '../apiserver/streams/backend.js'
import { statusErrors } from '../base/status.js'

/** Hands each stream to the kubelet of the node that the pod is on. */
export function streamsByNode(streamsOf: (nodeName: string) => PodStreams | undefined): PodStreams {
  const of = (pod: Pod): PodStreams => {
    const { nodeName } = pod.spec
    if (!nodeName) throw statusErrors.badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
    const streams = streamsOf(nodeName)
    if (!streams) throw statusErrors.internal(`node "${nodeName}" is not run by this daemon`)
    return streams
  }
  return {
    logs: async (pod, options) => of(pod).logs(pod, options),
    exec: async (pod, options) => of(pod).exec(pod, options),
    attach: async (pod, options) => of(pod).attach(pod, options),
    portForward: async (pod, port) => of(pod).portForward(pod, port)
  }
}
