import type { Pod } from '../api/types.js'
import type { PodLabels } from '../runtime/runtime.js'

/** A stand-in for a pod that is no longer in the API, from its containers' labels: enough to take them down. */
export function orphanPod({ podName, podNamespace, podUid, node }: PodLabels): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, namespace: podNamespace, uid: podUid, resourceVersion: '0' },
    spec: { containers: [], nodeName: node, terminationGracePeriodSeconds: 30 }
  }
}
