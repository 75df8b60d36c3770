import { planRun } from './plan-run.js'
import { planTeardown } from './plan-teardown.js'
import type { PodView } from './pod-view.js'
import { isTerminalPhase } from './pod-view.js'
import { outcomeOf } from './restart.js'

export type KillReason = 'liveness' | 'startup' | 'definition' | 'sandbox' | 'stop'

/** One thing to do now. Actions of one plan are independent of each other and run at the same time. */
export type Action =
  | { type: 'mountVolumes' }
  | { type: 'createSandbox' }
  | { type: 'removeSandbox'; id: string }
  /** Sees to it that the image is on the engine, pulling it if the policy says so. */
  | { type: 'ensureImage'; container: string }
  | { type: 'startContainer'; container: string; kind: 'init' | 'app'; attempt: number; backoffMs: number }
  | { type: 'killContainer'; id: string; container: string; reason: KillReason; graceSeconds: number }
  | { type: 'removeContainer'; id: string }
  /** Writes the final status of a pod being deleted. */
  | { type: 'reportFinalStatus' }
  /** Removes volumes and directories. */
  | { type: 'cleanUp' }
  /** The object may go: deletes it with grace 0. */
  | { type: 'finish' }

export interface Waiting {
  reason: string
  message: string
}

export interface Plan {
  actions: Action[]
  /** Containers held back by crash back-off, by name. */
  waiting: Map<string, Waiting>
  /** When to plan again if nothing happens before. */
  wakeAt?: Date
  /** Set when nothing of the pod shall run any more. */
  ending?: Ending
}

/** Why a pod comes to its end. `deadline` is activeDeadlineSeconds. */
export type Ending = 'deleted' | 'gone' | 'rejected' | 'finished' | 'terminal' | 'deadline' | 'node-stop'

/**
 * What to do for a pod now (computePodActions and the pod workers of the kubelet). Level-triggered: the same view
 * gives the same plan, and operations under way (`busy`) are not asked for again.
 */
export function planPod(view: PodView): Plan {
  const ending = endingOf(view)
  if (ending) return planTeardown(view, ending)
  const plan = planRun(view)
  const deadline = activeDeadline(view)
  return deadline ? wakeNoLater(plan, deadline) : plan
}

export function endingOf(view: PodView): Ending | undefined {
  if (view.stopGraceSeconds !== undefined) return 'node-stop'
  if (view.isGone) return 'gone'
  if (view.pod.metadata.deletionTimestamp) return 'deleted'
  if (view.rejection) return 'rejected'
  if (isTerminalPhase(view.pod.status?.phase)) return 'terminal'
  const deadline = activeDeadline(view)
  if (deadline && deadline <= view.now) return 'deadline'
  return outcomeOf(view) === 'unfinished' ? undefined : 'finished'
}

function activeDeadline({ pod }: PodView): Date | undefined {
  const { activeDeadlineSeconds } = pod.spec
  const startTime = pod.status?.startTime
  if (activeDeadlineSeconds === undefined || !startTime) return undefined
  return new Date(Date.parse(startTime) + activeDeadlineSeconds * 1000)
}

function wakeNoLater(plan: Plan, at: Date): Plan {
  return plan.wakeAt && plan.wakeAt <= at ? plan : { ...plan, wakeAt: at }
}
