import type { Deployment, Pod } from '../api/types.js'
import type { KubeObject, ObjectList } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Applied } from './apply.js'
import { qualifiedSingular } from './discovery.js'
import { followObject } from './follow.js'
import type { Io } from './io.js'
import { isReady, podSelectorOf } from './pods.js'
import { deploymentRollout, type RolloutState } from './rollout-status.js'
import type { Session } from './session.js'
import { versionOf, watchEvents } from './watch.js'

/** Kinds that become ready some time after they were applied. All others are ready at once. */
const readinessOf: Readonly<Record<string, (object: KubeObject) => RolloutState>> = {
  Deployment: (object) => deploymentRollout(object as Deployment),
  Pod: (object) => podReadiness(object as Pod)
}

/** Reasons of a waiting container that waiting longer does not mend (kubelet images, container errors). */
const hopeless = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'])

/**
 * `mk apply --wait`: follows what was applied until all of it is ready. Resolves to false, having said why, when an
 * object fails, an image can't be had, or the time is over.
 */
export async function waitUntilReady(options: {
  session: Session
  applied: readonly Applied[]
  timeoutMs: number
  io: Io
}): Promise<boolean> {
  const { session, io, timeoutMs } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const waits = options.applied.filter((one) => readinessOf[one.object.kind ?? ''] !== undefined)
  const results = await Promise.all(
    waits.map(async (one) => {
      const title = `${qualifiedSingular(one.resource)}/${one.manifest.name}`
      const verdict = await waitForOne(session, one, AbortSignal.any([io.signal, timeout]))
      if (verdict.state === 'done') io.stdout.write(`${title} is ready\n`)
      else if (verdict.state === 'failed') {
        const said = verdict.message.startsWith(`${title}: `) ? '' : `${title}: `
        io.stderr.write(`error: ${said}${verdict.message}\n`)
      } else io.stderr.write(`error: ${title} is not ready after ${timeoutMs / 1000} s: ${verdict.message}\n`)
      return verdict.state === 'done'
    })
  )
  return results.every(Boolean)
}

/** The last state before the end: done, failed, or still waiting when the signal aborted. */
async function waitForOne(session: Session, one: Applied, signal: AbortSignal): Promise<RolloutState> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const trouble = new PodTrouble()
  try {
    return await Promise.race([
      followReadiness(session, one, either, trouble),
      ...(one.object.kind === 'Pod' ? [] : [followPods(session, one.object, either, trouble)])
    ])
  } finally {
    over.abort()
  }
}

/** What is wrong with the pods, for the message when the time is over. */
class PodTrouble {
  readonly #byPod = new Map<string, string>()
  set(pod: Pod): void {
    const text = podTrouble(pod)
    if (text === undefined) this.#byPod.delete(pod.metadata.name)
    else this.#byPod.set(pod.metadata.name, text)
  }

  delete(pod: Pod): void {
    this.#byPod.delete(pod.metadata.name)
  }

  toString(): string {
    return [...this.#byPod.values()]
      .slice(0, 3)
      .map((text) => `\n  ${text}`)
      .join('')
  }
}

async function followReadiness(
  session: Session,
  one: Applied,
  signal: AbortSignal,
  trouble: PodTrouble
): Promise<RolloutState> {
  const readiness = readinessOf[one.object.kind ?? '']
  let last: RolloutState = { state: 'waiting', message: 'it was not seen yet' }
  const { namespace, name } = one.object.metadata
  for await (const object of followObject(session, { resource: one.resource, namespace, name, signal })) {
    if (object === undefined) return { state: 'failed', message: 'it was deleted meanwhile' }
    last = readiness?.({ ...object, kind: one.object.kind }) ?? last
    if (last.state !== 'waiting') return last
  }
  return { ...last, message: `${last.message}${String(trouble)}` }
}

/** Fails when a pod with the images that were applied can't get one of them; never ends otherwise. */
async function followPods(
  session: Session,
  owner: KubeObject,
  signal: AbortSignal,
  trouble: PodTrouble
): Promise<RolloutState> {
  const { namespace } = owner.metadata
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace ?? 'default')}/pods`
  const query = { labelSelector: podSelectorOf(owner) }
  const images = imagesOf(owner)
  const check = (pod: Pod): RolloutState | undefined => {
    trouble.set(pod)
    const message = hopelessContainer(pod, images)
    return message === undefined ? undefined : { state: 'failed', message }
  }
  while (!signal.aborted) {
    try {
      const { body: list } = await session.client.json<ObjectList<Pod>>({ path, query, signal })
      for (const pod of list.items) {
        const failed = check(pod)
        if (failed) return failed
      }
      const resourceVersion = list.metadata.resourceVersion
      for await (const event of watchEvents<Pod>({
        session,
        path,
        query,
        signal,
        resourceVersion,
        versionOf
      })) {
        if (event.type === 'DELETED') trouble.delete(event.object)
        const failed = event.type === 'DELETED' ? undefined : check(event.object)
        if (failed) return failed
      }
    } catch (error) {
      if (!signal.aborted && !isReason(error, 'Expired', 'Gone')) throw error
    }
  }
  // The other side of the race tells how it ended.
  return new Promise(() => {})
}

/** Images by container name: an older revision's pod with another image doesn't count. */
function imagesOf(owner: KubeObject): Map<string, string | undefined> {
  const template = (owner as Deployment).spec?.template.spec
  return new Map(
    [...(template?.containers ?? []), ...(template?.initContainers ?? [])].map((c) => [c.name, c.image])
  )
}

function hopelessContainer(pod: Pod, images: ReadonlyMap<string, string | undefined>): string | undefined {
  const specs = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
  const current = new Set(specs.filter((c) => images.get(c.name) === c.image).map((c) => c.name))
  const status = statusesOf(pod).find(
    (c) => current.has(c.name) && hopeless.has(c.state?.waiting?.reason ?? '')
  )
  return status && describeWaiting(pod, status)
}

/** What keeps a pod from being ready, if its status says so. */
function podTrouble(pod: Pod): string | undefined {
  if (isReady(pod)) return undefined
  const waiting = statusesOf(pod).find((c) => c.state?.waiting?.message !== undefined)
  if (waiting) return describeWaiting(pod, waiting)
  const condition = (pod.status?.conditions ?? []).find((c) => c.status === 'False' && c.message)
  return (
    condition && `pod/${pod.metadata.name}: ${condition.reason ?? condition.type}: ${condition.message ?? ''}`
  )
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]

const statusesOf = (pod: Pod): ContainerStatus[] => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? [])
]

function describeWaiting(pod: Pod, status: ContainerStatus): string {
  const { reason = '', message = '' } = status.state?.waiting ?? {}
  return `pod/${pod.metadata.name}: container ${status.name}: ${reason}: ${message}${lastEnd(status)}`
}

/** Why a container is started again and again: how it ended the last time. */
function lastEnd({ lastState }: ContainerStatus): string {
  const ended = lastState?.terminated
  if (!ended) return ''
  const why = ended.message ? `: ${ended.message.trim()}` : ''
  return `; it ended with exit code ${ended.exitCode} (${ended.reason ?? 'Error'})${why}`
}

function podReadiness(pod: Pod): RolloutState {
  if (isReady(pod) || pod.status?.phase === 'Succeeded') return { state: 'done', message: '' }
  const broken = statusesOf(pod).find((c) => hopeless.has(c.state?.waiting?.reason ?? ''))
  if (broken) return { state: 'failed', message: describeWaiting(pod, broken) }
  if (pod.status?.phase === 'Failed') return { state: 'failed', message: pod.status.message ?? 'it failed' }
  return { state: 'waiting', message: podTrouble(pod) ?? `it is ${pod.status?.phase ?? 'Pending'}` }
}
