import type Docker from 'dockerode'
import type { Engine } from './engine.js'
import { label } from './labels.js'

/** Its own work needs the first three; the engine's defaults are there to be handed on to commands in containers. */
const capabilities = [
  'SYS_ADMIN',
  'NET_ADMIN',
  'SYS_PTRACE',
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT'
]
/** What it can pass on to a command in a container. */
export const agentCapabilities: ReadonlySet<string> = new Set(capabilities)

/** seccomp and LSM profiles made for applications forbid the very calls that these helpers are for. */
export const helperSecurity = ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable']

/** The agent's container, created and not started: never privileged, which fails on some hosts. */
export function createAgentContainer(
  engine: Engine,
  { name, image, cluster }: { name: string; image: string; cluster: string }
): Promise<Docker.Container> {
  return engine.call('create the agent', (abortSignal) =>
    engine.docker.createContainer({
      name: name,
      Image: image,
      Cmd: ['serve'],
      Labels: { [label.cluster]: cluster, [label.kind]: 'agent' },
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal,
      HostConfig: {
        NetworkMode: 'host',
        PidMode: 'host',
        UsernsMode: 'host',
        CapDrop: ['ALL'],
        CapAdd: capabilities,
        SecurityOpt: helperSecurity,
        LogConfig: { Type: 'none', Config: {} },
        AutoRemove: true,
        ReadonlyRootfs: true,
        Init: false
      }
    })
  )
}
