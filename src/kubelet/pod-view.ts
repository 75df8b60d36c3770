import type { Container, Pod } from '../api/types.js'
import type { ContainerState, Sandbox } from '../runtime/runtime.js'

/** Time constants of the kubelet; tests make them short. */
export interface KubeletTiming {
  /** First delay of a container that ends again and again (10 s), doubled per restart up to the maximum (300 s). */
  crashBackoffMs: number
  crashBackoffMaxMs: number
  /** The same for image pulls (10 s, 300 s). */
  imageBackoffMs: number
  imageBackoffMaxMs: number
  /** Delays between tries of whatever else failed: volumes, sandbox, container create (0.5 s, 30 s). */
  retryMs: number
  retryMaxMs: number
  /** Heartbeat of the node's Lease (10 s). */
  heartbeatMs: number
  /** Comparing with the engine in case an event was lost (120 s). */
  resyncMs: number
}

export const defaultTiming: KubeletTiming = {
  crashBackoffMs: 10_000,
  crashBackoffMaxMs: 300_000,
  imageBackoffMs: 10_000,
  imageBackoffMaxMs: 300_000,
  retryMs: 500,
  retryMaxMs: 30_000,
  heartbeatMs: 10_000,
  resyncMs: 120_000
}

/** Why a container waits: reason and message of its waiting state; tried again at `retryAt`. */
export interface Failure {
  reason: string
  message: string
  retryAt: Date
}

/** What the probes say of one running container. */
export interface ProbeVerdict {
  /** No startup probe, or it has succeeded. */
  started: boolean
  /** Started, and no readiness probe or it succeeds. */
  ready: boolean
  /** The probe that has failed for good: the container must be killed. */
  failed?: 'startup' | 'liveness'
}

/** Everything that planning and status need of one pod at one moment. Pure data. */
export interface PodView {
  pod: Pod
  /** The object is no longer in the API. */
  isGone: boolean
  now: Date
  sandboxes: readonly Sandbox[]
  /** All that the engine has, older attempts included. */
  containers: readonly ContainerState[]
  /** By container id; none for a container that has no verdict yet. */
  probes: ReadonlyMap<string, ProbeVerdict>
  /** By container name; `sandbox` and `volumes` stand for themselves in {@link failureKeys}. */
  failures: ReadonlyMap<string, Failure>
  /** Containers whose image is known to be there for their next start. */
  imagesReady: ReadonlySet<string>
  areVolumesReady: boolean
  /** Mounted, but what they show has changed. */
  areVolumesStale: boolean
  /** Operations under way, see {@link busyKeys}. A kill carries its deadline. */
  busy: ReadonlyMap<string, { deadline?: Date }>
  /** The node refuses the pod (admission): it has failed. */
  rejection?: { reason: string; message: string } | undefined
  /** The final state of a pod being deleted is in the API. */
  isFinalStatusReported: boolean
  isCleanedUp: boolean
  /** All pods of the node are being stopped (mk down), within so many seconds. */
  stopGraceSeconds?: number | undefined
  timing: KubeletTiming
}

export const failureKeys = { sandbox: '/sandbox', volumes: '/volumes' } as const

export const busyKeys = {
  sandbox: 'sandbox',
  volumes: 'volumes',
  start: 'start',
  finalStatus: 'final-status',
  cleanUp: 'clean-up',
  finish: 'finish',
  image: (name: string) => `image/${name}`,
  container: (id: string) => `container/${id}`
} as const

/** Names of annotations on engine containers: what the kubelet must find again after it was restarted. */
export const containerAnnotations = {
  /** The crash back-off that follows this attempt, in ms. */
  backoffMs: 'mk/backoff-ms',
  terminationMessagePath: 'mk/termination-message-path',
  terminationMessagePolicy: 'mk/termination-message-policy'
} as const

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

/** Has ended, or never got going (the engine refused to start it). */
export function isDead(container: ContainerState): boolean {
  return (
    container.state === 'exited' ||
    (container.state === 'created' && (container.error !== undefined || (container.exitCode ?? 0) !== 0))
  )
}

/** The newest attempt of a container. */
export function latestOf(containers: readonly ContainerState[], name: string): ContainerState | undefined {
  let latest: ContainerState | undefined
  for (const container of containers) {
    if (container.containerName === name && (!latest || container.attempt > latest.attempt))
      latest = container
  }
  return latest
}

/** The attempt before the newest. */
export function previousOf(containers: readonly ContainerState[], name: string): ContainerState | undefined {
  const latest = latestOf(containers, name)
  return latestOf(
    containers.filter((container) => container !== latest),
    name
  )
}

/** The sandbox that containers run in: the newest that is ready. */
export function readySandbox(view: Pick<PodView, 'sandboxes'>): Sandbox | undefined {
  return view.sandboxes
    .filter((sandbox) => sandbox.state === 'ready')
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())[0]
}

export const isTerminalPhase = (phase: string | undefined): boolean =>
  phase === 'Succeeded' || phase === 'Failed'
