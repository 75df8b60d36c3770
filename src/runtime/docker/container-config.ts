import type Docker from 'dockerode'
import type { ContainerResources, ContainerSpec, Mount } from '../runtime.js'
import { containerName, label, podLabels } from './labels.js'
import type { Sharing } from './sandbox-config.js'

/** The kubelet's defaults: 10 MiB a file, five files (containerLogMaxSize, containerLogMaxFiles). */
export const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } }
const cpuPeriodMicroseconds = 100_000

/** cgroup settings as the kubelet computes them (cm/helpers_linux.go). CpuQuota, never NanoCpus: the two don't mix. */
export function engineResources(resources: ContainerResources) {
  const { cpuRequest, cpuLimit, memoryLimitBytes, pidsLimit } = resources
  return {
    // Without a request the limit counts as one; without either the smallest share.
    CpuShares: Math.min(262_144, Math.max(2, Math.floor(((cpuRequest ?? cpuLimit ?? 0) * 1024) / 1000))),
    CpuPeriod: cpuLimit === undefined ? 0 : cpuPeriodMicroseconds,
    CpuQuota: cpuLimit === undefined ? 0 : Math.max(1000, cpuLimit * (cpuPeriodMicroseconds / 1000)),
    Memory: memoryLimitBytes ?? 0,
    // Equal to Memory: no swap.
    MemorySwap: memoryLimitBytes ?? 0,
    ...(pidsLimit === undefined ? {} : { PidsLimit: pidsLimit })
  }
}

function engineMount(mount: Mount): Docker.MountSettings {
  const { type, source, target, readOnly, propagation, tmpfs } = mount
  return {
    Type: type,
    Target: target,
    Source: type === 'tmpfs' ? '' : source,
    ReadOnly: readOnly,
    ...(type === 'bind'
      ? { BindOptions: { Propagation: propagation === 'private' ? 'rprivate' : (propagation ?? 'rprivate') } }
      : {}),
    ...(type === 'volume'
      ? { VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } } }
      : {}),
    ...(type === 'tmpfs' && tmpfs
      ? { TmpfsOptions: { SizeBytes: tmpfs.sizeBytes ?? 0, Mode: tmpfs.mode ?? 0o1777 } }
      : {})
  }
}

/** SecurityOpt of the engine: seccompProfile is `Unconfined`, `RuntimeDefault` (the engine's own) or a profile's JSON. */
function securityOptions(spec: ContainerSpec): string[] {
  const seccomp = spec.seccompProfile
  return [
    ...(spec.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(seccomp === undefined || seccomp === 'RuntimeDefault'
      ? []
      : [`seccomp=${seccomp.toLowerCase() === 'unconfined' ? 'unconfined' : seccomp}`])
  ]
}

function processConfig(spec: ContainerSpec): Docker.ContainerCreateOptions {
  return {
    ...(spec.command ? { Entrypoint: [...spec.command] } : {}),
    // An empty list, not a missing one, drops the image's Cmd when only the command is given.
    ...(spec.args ? { Cmd: [...spec.args] } : spec.command ? { Cmd: [] } : {}),
    Env: spec.env.map(({ name, value }) => `${name}=${value}`),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    ...(spec.user === undefined ? {} : { User: spec.user }),
    ...(spec.stopSignal === undefined ? {} : { StopSignal: spec.stopSignal }),
    Tty: spec.tty,
    OpenStdin: spec.stdin,
    StdinOnce: spec.stdin && spec.stdinOnce
  }
}

/** The engine's create request for a container of a pod. Pure. */
export function containerConfig(
  spec: ContainerSpec,
  options: { cluster: string; sharing: Sharing; oomScoreFloor: number }
): Docker.ContainerCreateOptions {
  const { cluster, sharing } = options
  const member = `container:${spec.sandboxId}`
  return {
    name: containerName(cluster, spec),
    Image: spec.image,
    ...processConfig(spec),
    // The image's own HEALTHCHECK is docker's business, not Kubernetes': probes are.
    Healthcheck: { Test: ['NONE'] },
    Labels: {
      [label.cluster]: cluster,
      [label.kind]: 'container',
      ...podLabels(spec),
      [label.sandbox]: spec.sandboxId,
      [label.containerName]: spec.containerName,
      [label.containerKind]: spec.kind,
      [label.attempt]: String(spec.attempt),
      [label.specHash]: spec.specHash,
      [label.annotations]: JSON.stringify(spec.annotations)
    },
    HostConfig: {
      ...engineResources(spec.resources),
      NetworkMode: member,
      IpcMode: sharing.hostIpc ? 'host' : member,
      PidMode: sharing.hostPid ? 'host' : sharing.sharePid ? member : '',
      // Restarts are the kubelet's: each is a new container.
      RestartPolicy: { Name: 'no' },
      LogConfig: logConfig,
      Mounts: spec.mounts.map(engineMount),
      OomScoreAdj: Math.max(spec.oomScoreAdj, options.oomScoreFloor),
      Privileged: spec.privileged,
      CapAdd: [...spec.capabilitiesAdd],
      CapDrop: [...spec.capabilitiesDrop],
      GroupAdd: spec.supplementalGroups.map(String),
      ReadonlyRootfs: spec.readOnlyRootFilesystem,
      SecurityOpt: securityOptions(spec),
      Init: false,
      ...(spec.runtimeHandler === undefined ? {} : { Runtime: spec.runtimeHandler })
    }
  }
}
