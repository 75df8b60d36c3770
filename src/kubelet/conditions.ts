import type { ContainerStatus, Pod, PodCondition } from '../api/types.js'
import type { ContainerStatuses } from './container-statuses.js'
import { isSidecar } from './pod-view.js'

type Condition = Omit<PodCondition, 'lastTransitionTime'>

/** The conditions that the kubelet owns, with upstream's reasons and messages (pkg/kubelet/status/generate.go). */
export function podConditions(
  pod: Pod,
  phase: string,
  statuses: ContainerStatuses,
  hasSandbox: boolean
): Condition[] {
  const containersReady = containersReadyCondition(pod, phase, statuses)
  const own: Condition[] = [
    condition('PodReadyToStartContainers', hasSandbox),
    initializedCondition(pod, phase, statuses),
    readyCondition(pod, containersReady),
    containersReady
  ]
  const isScheduled = pod.status?.conditions?.some(({ type }) => type === 'PodScheduled') === true
  return isScheduled ? own : [...own, condition('PodScheduled', true)]
}

function condition(type: string, isTrue: boolean, reason?: string, message?: string): Condition {
  return {
    type,
    status: isTrue ? 'True' : 'False',
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined || message === '' ? {} : { message })
  }
}

function containersReadyCondition(pod: Pod, phase: string, { app, init }: ContainerStatuses): Condition {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar)
  const unready = [
    ...sidecars.filter(({ name }) => !isReady(init, name)),
    ...pod.spec.containers.filter(({ name }) => !isReady(app, name))
  ]
  if (phase === 'Succeeded') return condition('ContainersReady', false, 'PodCompleted')
  if (phase === 'Failed') return condition('ContainersReady', false, 'PodFailed')
  if (unready.length === 0) return condition('ContainersReady', true)
  const names = unready.map(({ name }) => name).join(' ')
  return condition(
    'ContainersReady',
    false,
    'ContainersNotReady',
    `containers with unready status: [${names}]`
  )
}

const isReady = (statuses: readonly ContainerStatus[], name: string): boolean =>
  statuses.find((status) => status.name === name)?.ready === true

/** Ready is ContainersReady plus the readiness gates, which are conditions that others set. */
function readyCondition(pod: Pod, containersReady: Condition): Condition {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' }
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType)
    if (!gate) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    if (gate.status === 'True') return []
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`]
  })
  return problems.length === 0
    ? condition('Ready', true)
    : condition('Ready', false, 'ReadinessGatesNotReady', problems.join(', '))
}

function initializedCondition(pod: Pod, phase: string, { app, init }: ContainerStatuses): Condition {
  const incomplete = (pod.spec.initContainers ?? []).filter((container) => {
    const status = init.find(({ name }) => name === container.name)
    return isSidecar(container) ? status?.started !== true : status?.ready !== true
  })
  if (phase === 'Succeeded') return condition('Initialized', true, 'PodCompleted')
  const hasAppStarted = app.some(
    ({ state, lastState }) => state?.running ?? state?.terminated ?? lastState?.terminated
  )
  if (incomplete.length === 0 || hasAppStarted) return condition('Initialized', true)
  const names = incomplete.map(({ name }) => name).join(' ')
  const message = `containers with incomplete status: [${names}]`
  return condition('Initialized', false, 'ContainersNotInitialized', message)
}
