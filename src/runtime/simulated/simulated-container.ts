import type { ContainerSpec, ContainerState } from '../runtime.js'

/** Annotations of a container spec (the kubelet copies the pod's) that steer a simulated container. */
export const simulatedAnnotations = {
  /** Seconds after its start when it exits by itself. Without it, it runs until stopped. */
  runSeconds: 'simulated.mk.dev/run-seconds',
  /** The code it exits with by itself; default 0. */
  exitCode: 'simulated.mk.dev/exit-code',
  /** Makes its start fail with this text. */
  startError: 'simulated.mk.dev/start-error'
} as const

/** A container that exists only as a record. */
export class SimulatedContainer {
  readonly spec: ContainerSpec
  readonly state: ContainerState
  readonly logLines: { time: Date; text: string }[] = []
  /** Called at each new log line and at the end: followers wait on these. */
  readonly followers = new Set<() => void>()
  readonly waiters = new Set<() => void>()
  cancelExit: (() => void) | undefined

  constructor(id: string, spec: ContainerSpec, createdAt: Date) {
    this.spec = spec
    const { podNamespace, podName, podUid, node, sandboxId, containerName, kind, attempt, specHash } = spec
    this.state = {
      id,
      podNamespace,
      podName,
      podUid,
      node,
      sandboxId,
      containerName,
      kind,
      attempt,
      specHash,
      annotations: spec.annotations,
      state: 'created',
      image: spec.image,
      imageId: `sha256:simulated-${spec.image}`,
      createdAt
    }
  }

  /** A copy, as an engine would answer. */
  snapshot(): ContainerState {
    return { ...this.state, annotations: { ...this.state.annotations } }
  }

  log(time: Date, text: string): void {
    for (const line of text.split('\n')) this.logLines.push({ time, text: line })
    for (const follower of [...this.followers]) follower()
  }

  exit(time: Date, exitCode: number, extra: { oomKilled?: boolean; error?: string } = {}): void {
    this.cancelExit?.()
    Object.assign(this.state, { state: 'exited', finishedAt: time, exitCode, oomKilled: false, ...extra })
    for (const waiter of [...this.waiters, ...this.followers]) waiter()
    this.waiters.clear()
  }
}
