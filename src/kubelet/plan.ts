import type { Ending, Plan } from './action.js'
import { planRun } from './plan-run.js'
import { planTeardown } from './plan-teardown.js'
import type { PodView } from './pod-view.js'
import { isTerminalPhase } from './pod-view.js'
import { outcomeOf } from './restart.js'

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

function endingOf(view: PodView): Ending | undefined {
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
