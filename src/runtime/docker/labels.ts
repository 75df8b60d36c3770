import type { PodLabels } from '../runtime.js'

/** Labels that mk puts on what it makes on an engine: all that adoption reads, together with sandboxes' names. */
export const label = {
  cluster: 'mk.dev/cluster',
  /** sandbox, warm, container, agent, network, volume */
  kind: 'mk.dev/kind',
  podNamespace: 'mk.dev/pod-namespace',
  podName: 'mk.dev/pod-name',
  podUid: 'mk.dev/pod-uid',
  node: 'mk.dev/node',
  ip: 'mk.dev/ip',
  /** On the network: the range of ClusterIPs, which the engine's host must not route. */
  serviceCidr: 'mk.dev/service-cidr',
  /** Which namespaces of the host (or of the sandbox) members use: a list of hostNetwork, hostPid, hostIpc, sharePid. */
  sharing: 'mk.dev/sharing',
  /** Name of the sandbox's directory below the runtime's state directory. */
  directory: 'mk.dev/directory',
  sandbox: 'mk.dev/sandbox',
  containerName: 'mk.dev/container',
  containerKind: 'mk.dev/container-kind',
  attempt: 'mk.dev/attempt',
  specHash: 'mk.dev/spec-hash',
  annotations: 'mk.dev/annotations'
} as const

export type Labels = Readonly<Record<string, string>>

export function podLabels(pod: PodLabels): Record<string, string> {
  return {
    [label.podNamespace]: pod.podNamespace,
    [label.podName]: pod.podName,
    [label.podUid]: pod.podUid,
    [label.node]: pod.node
  }
}

export function readPodLabels(labels: Labels): PodLabels {
  return {
    podNamespace: labels[label.podNamespace] ?? '',
    podName: labels[label.podName] ?? '',
    podUid: labels[label.podUid] ?? '',
    node: labels[label.node] ?? ''
  }
}

/**
 * The engine's name of a pod's sandbox. A warm sandbox's labels were fixed before it had a pod, so its name says whose
 * it is; no Kubernetes name has an underscore.
 */
export const sandboxName = (cluster: string, pod: PodLabels): string =>
  ['mk', cluster, 'pod', pod.podNamespace, pod.podName, pod.podUid, pod.node].join('_')

/** The inverse of {@link sandboxName}; undefined for any other name (a warm sandbox's). */
export function parseSandboxName(name: string): PodLabels | undefined {
  const parts = name.replace(/^\//, '').split('_')
  const [mk, , kind, podNamespace, podName, podUid, node] = parts
  if (parts.length !== 7 || mk !== 'mk' || kind !== 'pod') return undefined
  if (!podNamespace || !podName || !podUid || node === undefined) return undefined
  return { podNamespace, podName, podUid, node }
}

export const containerName = (
  cluster: string,
  container: PodLabels & { containerName: string; attempt: number }
): string =>
  [
    'mk',
    cluster,
    container.podNamespace,
    container.podName,
    container.containerName,
    container.podUid,
    container.attempt
  ].join('_')
