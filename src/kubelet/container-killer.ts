import type { Container, Pod } from '../api/types.js'
import { isMkError, messageOf } from '../base/errors.js'
import { runHook } from './hooks.js'
import type { NodeContext } from './node-context.js'
import type { KillReason } from './action.js'
import type { EmitEvent } from './pod-events.js'
import type { PodRecords } from './pod-records.js'

export interface KillRequest {
  pod: Pod
  containerName: string
  id: string
  reason: KillReason
  graceSeconds: number
  podIp: string
  records: PodRecords
  event: EmitEvent
  /** Ends the hook early: the pod has got less time. */
  signal: AbortSignal
}

// What is left for the process after a hook that used up the grace period (kubelet minimumGracePeriodInSeconds).
const minimumGraceSeconds = 2

/** Runs the preStop hook within the grace period, then stops the container with what is left of it. */
export async function killContainer(context: NodeContext, request: KillRequest): Promise<void> {
  const { pod, containerName, id, reason, graceSeconds, records, event } = request
  const { spec } = pod
  const container = [...spec.containers, ...(spec.initContainers ?? [])].find(
    ({ name }) => name === containerName
  )
  event('Normal', 'Killing', killMessage(reason, containerName), containerName)
  const usedSeconds = container ? await preStop(context, request, container) : 0
  const rest =
    usedSeconds === 0 ? graceSeconds : Math.max(minimumGraceSeconds, Math.ceil(graceSeconds - usedSeconds))
  try {
    await context.runtime.stopContainer(id, { graceSeconds: rest })
  } catch (error) {
    if (!isMkError(error, 'MK_CONTAINER_NOT_FOUND')) throw error
  }
  await records.refresh(id)
}

function killMessage(reason: KillReason, name: string): string {
  switch (reason) {
    case 'liveness':
    case 'startup':
      return `Container ${name} failed ${reason} probe, will be restarted`
    case 'definition':
      return `Container ${name} definition changed, will be restarted`
    case 'sandbox':
    case 'stop':
      return `Stopping container ${name}`
  }
}

/** Returns the seconds that the hook took. */
async function preStop(context: NodeContext, request: KillRequest, container: Container): Promise<number> {
  const { id, podIp, graceSeconds, event, signal } = request
  const handler = container.lifecycle?.preStop
  if (!handler || request.reason === 'sandbox') return 0
  const { runtime, clock } = context
  const startedMs = clock.now().getTime()
  try {
    const timeoutMs = graceSeconds * 1000
    const hook = runHook(handler, { container, containerId: id, podIp, runtime, clock, timeoutMs, signal })
    await Promise.race([hook, aborted(signal)])
  } catch (error) {
    event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${messageOf(error)}`, container.name)
  }
  return (clock.now().getTime() - startedMs) / 1000
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
