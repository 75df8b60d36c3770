import type { ContainerState } from '../runtime/runtime.js'
import type { Action, Ending, Plan } from './action.js'
import { busyKeys, isSidecar } from './pod-view.js'
import type { PodView } from './pod-view.js'

/**
 * Brings a pod down: containers first, then sidecars one by one in reverse order; then the sandbox. Containers of a
 * pod that only ended stay for their logs; a deleted pod's are removed, then its directories, then the object.
 */
export function planTeardown(view: PodView, ending: Ending): Plan {
  const running = view.containers.filter((container) => container.state === 'running')
  const actions: Action[] = running.length > 0 ? killAll(view, ending, running) : dispose(view, ending)
  return { actions, waiting: new Map(), ending }
}

function killAll(view: PodView, ending: Ending, running: readonly ContainerState[]): Action[] {
  const sidecars = (view.pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name)
  const others = running.filter(({ containerName }) => !sidecars.includes(containerName))
  const lastSidecar = sidecars.findLast((name) => running.some(({ containerName }) => containerName === name))
  const next =
    others.length > 0 ? others : running.filter(({ containerName }) => containerName === lastSidecar)
  const deadline = deadlineOf(view, ending)
  const graceSeconds = Math.max(1, Math.ceil((deadline.getTime() - view.now.getTime()) / 1000))
  return next.flatMap((container): Action[] => {
    const busy = view.busy.get(busyKeys.container(container.id))
    // A stop that is under way is only asked for again when the pod has got less time meanwhile.
    if (busy && !(busy.deadline && busy.deadline.getTime() - deadline.getTime() > 1000)) return []
    const { id, containerName } = container
    return [{ type: 'killContainer', id, container: containerName, reason: 'stop', graceSeconds }]
  })
}

/** By when everything has to be down; sidecars get what the others left of it. */
function deadlineOf({ pod, now, stopGraceSeconds }: PodView, ending: Ending): Date {
  const after = (seconds: number) => new Date(now.getTime() + seconds * 1000)
  const { deletionTimestamp } = pod.metadata
  const own = pod.spec.terminationGracePeriodSeconds ?? 30
  if (ending === 'node-stop') return after(Math.min(own, stopGraceSeconds ?? own))
  return deletionTimestamp ? new Date(deletionTimestamp) : after(own)
}

function dispose(view: PodView, ending: Ending): Action[] {
  const { busy, containers, sandboxes } = view
  if (busy.has(busyKeys.start) || busy.has(busyKeys.sandbox) || busy.has(busyKeys.volumes)) return []
  const isRemoved = ending === 'deleted' || ending === 'gone'
  if (ending === 'deleted' && !view.isFinalStatusReported)
    return busy.has(busyKeys.finalStatus) ? [] : [{ type: 'reportFinalStatus' }]
  const actions: Action[] = []
  const sandbox = sandboxes[0]
  if (sandbox) actions.push({ type: 'removeSandbox', id: sandbox.id })
  if (!isRemoved) return actions
  for (const { id } of containers) {
    if (!busy.has(busyKeys.container(id))) actions.push({ type: 'removeContainer', id })
  }
  if (containers.length > 0 || sandbox) return actions
  if (!view.isCleanedUp) return busy.has(busyKeys.cleanUp) ? [] : [{ type: 'cleanUp' }]
  return ending === 'gone' || busy.has(busyKeys.finish) ? [] : [{ type: 'finish' }]
}
