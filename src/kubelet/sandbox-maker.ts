import { mkdir, writeFile } from 'node:fs/promises'
import type { Pod } from '../api/types.js'
import type { Sandbox, SandboxSpec } from '../runtime/runtime.js'
import type { MountedVolume } from '../volumes/volume.js'
import { parseResolvConf, resolvConfOf } from './dns.js'
import { hostnameOf, hostsFileOf } from './hosts.js'
import type { NodeContext } from './node-context.js'
import type { PodPaths } from './pod-directory.js'

/**
 * Writes resolv.conf and the hosts file, makes the sandbox, then adds the pod's address to the hosts file, which every
 * container mounts.
 */
export async function makeSandbox(
  context: NodeContext,
  request: {
    pod: Pod
    paths: PodPaths
    volumes: ReadonlyMap<string, MountedVolume>
    /** The address that the pod had. */
    preferredIp: string | undefined
  }
): Promise<Sandbox> {
  const { pod, paths, volumes, preferredIp } = request
  const { clusterDns, clusterDomain, runtime, nodeName } = context
  const hostFiles = await context.hostFiles()
  const hostname = hostnameOf(pod, clusterDomain)
  const writeHosts = (podIps: readonly string[]) =>
    writeFile(
      paths.hosts,
      hostsFileOf(pod, { podIps, hostname: hostname.short, clusterDomain, hostFile: hostFiles.hosts })
    )
  await mkdir(paths.root, { recursive: true, mode: 0o755 })
  const host = parseResolvConf(hostFiles.resolvConf)
  await writeFile(paths.resolvConf, resolvConfOf(pod, { clusterDns, clusterDomain, host }))
  await writeHosts([])
  const hasOwnNetwork = pod.spec.hostNetwork !== true
  const sandbox = await runtime.createSandbox({
    podNamespace: pod.metadata.namespace ?? 'default',
    podName: pod.metadata.name,
    podUid: pod.metadata.uid,
    node: nodeName,
    hostname: hostname.inPod,
    resolvConfPath: paths.resolvConf,
    hostsPath: paths.hosts,
    hostNetwork: !hasOwnNetwork,
    hostPid: pod.spec.hostPID === true,
    hostIpc: pod.spec.hostIPC === true,
    shareProcessNamespace: pod.spec.shareProcessNamespace === true,
    sysctls: Object.fromEntries(
      (pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])
    ),
    hostPorts: hasOwnNetwork ? hostPortsOf(pod) : [],
    tmpfsVolumes: [...volumes.values()].flatMap(({ heldBySandbox, source }) =>
      heldBySandbox ? [source] : []
    ),
    ...(preferredIp && hasOwnNetwork ? { preferredIp } : {})
  })
  if (sandbox.ip !== '') await writeHosts([sandbox.ip])
  return sandbox
}

/** The host ports that containers ask for; SCTP is not carried. */
export function hostPortsOf(pod: Pod): SandboxSpec['hostPorts'] {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  return containers
    .flatMap(({ ports = [] }) => ports)
    .flatMap(({ hostPort, hostIP = '', containerPort, protocol = 'TCP' }) =>
      hostPort !== undefined && hostPort > 0 && (protocol === 'TCP' || protocol === 'UDP')
        ? [{ hostIp: hostIP, hostPort, containerPort, protocol }]
        : []
    )
}
