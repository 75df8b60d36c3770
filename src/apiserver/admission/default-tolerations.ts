import type { AdmissionPlugin } from './admission.js'
import { createdPod } from './pods.js'

const tolerationSeconds = 300
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

/** Pods stay five minutes on a node that is gone, unless they say otherwise (plugin DefaultTolerationSeconds). */
export const defaultTolerations: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate: (request) => {
    const pod = createdPod(request)
    if (!pod) return
    const given = pod.spec.tolerations ?? []
    const missing = taints.filter(
      (key) => !given.some((t) => (t.key === key || !t.key) && (t.effect === 'NoExecute' || !t.effect))
    )
    if (missing.length === 0) return
    const added = missing.map((key) => ({
      key,
      operator: 'Exists' as const,
      effect: 'NoExecute' as const,
      tolerationSeconds
    }))
    pod.spec.tolerations = [...given, ...added]
  }
}
