import type Docker from 'dockerode'
import { parseIpv4 } from '../../base/ip.js'
import type { SandboxSpec } from '../runtime.js'
import { helperSecurity } from './agent-container.js'
import { label, podLabels, sandboxName, type Labels } from './labels.js'
import type { PodNetwork } from './pod-network.js'

/** How a sandbox gets its network. */
export type SandboxMode = 'self-plumbed' | 'docker-network'

/** Namespaces that are not the pod's own. */
export interface Sharing {
  hostNetwork: boolean
  hostPid: boolean
  hostIpc: boolean
  sharePid: boolean
}

export const noSharing: Sharing = { hostNetwork: false, hostPid: false, hostIpc: false, sharePid: false }

export const sharingOf = (spec: SandboxSpec): Sharing => ({
  hostNetwork: spec.hostNetwork,
  hostPid: spec.hostPid,
  hostIpc: spec.hostIpc,
  sharePid: spec.shareProcessNamespace
})

const writeSharing = (sharing: Sharing): string =>
  Object.entries(sharing)
    .filter(([, on]) => on === true)
    .map(([name]) => name)
    .join(',')

export function readSharing(labels: Labels): Sharing {
  const on = new Set((labels[label.sharing] ?? '').split(','))
  return {
    hostNetwork: on.has('hostNetwork'),
    hostPid: on.has('hostPid'),
    hostIpc: on.has('hostIpc'),
    sharePid: on.has('sharePid')
  }
}

/** What its directory on the host offers to a sandbox; containers of the sandbox see the same files. */
export interface SandboxFiles {
  resolvConf?: string
  hosts?: string
  hostname?: string
}

interface SandboxConfigOptions {
  cluster: string
  image: string
  network: PodNetwork
  mode: SandboxMode
  ip: string
  files: SandboxFiles
  /** Lowest OOM score that the engine can give. */
  oomScoreFloor: number
}

/** Unique on the host, as the address is. */
const vethName = (ip: string): string => `mkv${(parseIpv4(ip) ?? 0).toString(16).padStart(8, '0')}`

const bind = (source: string | undefined, target: string): Docker.MountSettings[] =>
  source === undefined ? [] : [{ Type: 'bind', Source: source, Target: target, ReadOnly: false }]

interface Draft {
  name: string
  hostname: string
  labels: Record<string, string>
  sharing: Sharing
  sysctls: Readonly<Record<string, string>>
  tmpfsVolumes: readonly string[]
}

function sandboxRequest(options: SandboxConfigOptions, draft: Draft): Docker.ContainerCreateOptions {
  const { cluster, image, network, mode, ip, files } = options
  const own = !draft.sharing.hostNetwork
  const plumbs = own && mode === 'self-plumbed'
  const sysctls = Object.entries(draft.sysctls)
  const isNetwork = (name: string) => name.startsWith('net.')
  const byPause = plumbs ? sysctls.filter(([name]) => isNetwork(name)) : []
  const byEngine = sysctls.filter(([name]) => !plumbs || !isNetwork(name))
  const portStart: [string, string][] = own && !plumbs ? [['net.ipv4.ip_unprivileged_port_start', '0']] : []
  return {
    name: draft.name,
    Image: image,
    Hostname: draft.hostname,
    Cmd: plumbs
      ? [
          'pause',
          '--bridge',
          network.bridge,
          '--veth',
          vethName(ip),
          '--address',
          `${ip}/${String(network.prefix)}`,
          '--gateway',
          network.gateway,
          ...byPause.flatMap(([name, value]) => ['--sysctl', `${name}=${value}`])
        ]
      : ['pause'],
    Labels: {
      [label.cluster]: cluster,
      ...draft.labels,
      ...(ip === '' ? {} : { [label.ip]: ip }),
      [label.sharing]: writeSharing(draft.sharing)
    },
    ...(own && !plumbs
      ? { NetworkingConfig: { EndpointsConfig: { [network.name]: { IPAMConfig: { IPv4Address: ip } } } } }
      : {}),
    HostConfig: {
      // A sandbox that plumbs itself starts in the host's network: that costs the engine a third of attaching one.
      NetworkMode: own && !plumbs ? network.name : 'host',
      IpcMode: draft.sharing.hostIpc ? 'host' : 'shareable',
      CapDrop: ['ALL'],
      ...(plumbs ? { CapAdd: ['SYS_ADMIN', 'NET_ADMIN', 'SETPCAP'] } : {}),
      SecurityOpt: plumbs ? helperSecurity : ['no-new-privileges', 'seccomp=unconfined'],
      Sysctls: Object.fromEntries([...portStart, ...byEngine]),
      Mounts: [
        ...bind(files.resolvConf, '/etc/resolv.conf'),
        ...bind(files.hosts, '/etc/hosts'),
        ...bind(files.hostname, '/etc/hostname'),
        ...draft.tmpfsVolumes.map((name): Docker.MountSettings => ({
          Type: 'volume',
          Source: name,
          Target: `/volumes/${name}`
        }))
      ],
      // The kubelet's score for pause containers: among the last to be killed.
      OomScoreAdj: Math.max(-998, options.oomScoreFloor),
      LogConfig: { Type: 'json-file', Config: { 'max-size': '64k', 'max-file': '1' } },
      RestartPolicy: { Name: 'no' },
      Init: false
    }
  }
}

/** The create request for a pod's sandbox. Pure. */
export const sandboxConfig = (
  spec: SandboxSpec,
  options: SandboxConfigOptions
): Docker.ContainerCreateOptions =>
  sandboxRequest(options, {
    name: sandboxName(options.cluster, spec),
    hostname: spec.hostname,
    labels: { [label.kind]: 'sandbox', ...podLabels(spec) },
    sharing: sharingOf(spec),
    sysctls: spec.sysctls,
    tmpfsVolumes: spec.tmpfsVolumes ?? []
  })

/** The create request for a sandbox without a pod as yet. `directory` names its files' place below the state. */
export const warmSandboxConfig = (
  options: SandboxConfigOptions & { directory: string }
): Docker.ContainerCreateOptions =>
  sandboxRequest(options, {
    name: `mk_${options.cluster}_warm_${options.directory}`,
    hostname: 'localhost',
    labels: { [label.kind]: 'warm', [label.directory]: options.directory },
    sharing: noSharing,
    sysctls: {},
    tmpfsVolumes: []
  })
