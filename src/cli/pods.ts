import type { Pod } from '../api/types.js'
import { MkError } from '../base/errors.js'
import type { KubeObject, ObjectList } from '../base/object.js'
import { type LabelSelector, selectorFromLabelSelector, selectorFromMap } from '../base/selectors.js'
import { pathOf, qualifiedSingular } from './discovery.js'
import type { Session } from './session.js'
import { parseOneTarget } from './targets.js'

/** A pod that the user named, or something that has pods. */
export interface PodSource {
  /** As in messages: `pod/x`, `deployment.apps/x`. */
  readonly title: string
  readonly object: KubeObject
  /** Undefined for a pod itself. */
  readonly selector: string | undefined
}

/** Finds the object behind `x`, `pod/x`, `deploy/x`, `svc/x`. */
export async function findPodSource(
  session: Session,
  words: readonly string[],
  namespace: string
): Promise<PodSource> {
  const { resource, name } = await parseOneTarget(words, session.discovery, 'pods')
  const { body: object } = await session.client.json<KubeObject>({
    path: pathOf(resource, { namespace, name })
  })
  const title = `${qualifiedSingular(resource)}/${name}`
  if (resource.plural === 'pods' && !resource.group) return { title, object, selector: undefined }
  const selector = podSelectorOf(object)
  if (selector === undefined) {
    throw new MkError('MK_INPUT', `${title} has no pods: name a pod, a deployment or a service`)
  }
  return { title, object, selector }
}

/** The label selector of an object's pods: a service's map or a workload's matchLabels. Undefined without one. */
export function podSelectorOf(object: KubeObject): string | undefined {
  const { selector } = (object as { spec?: { selector?: unknown } }).spec ?? {}
  if (typeof selector !== 'object' || selector === null) return undefined
  const isLabelSelector = 'matchLabels' in selector || 'matchExpressions' in selector
  const parsed = isLabelSelector
    ? selectorFromLabelSelector(selector as LabelSelector)
    : selectorFromMap(selector as Record<string, string>)
  return parsed.empty ? undefined : parsed.toString()
}

/** The pods of a source, the best to use first: ready ones, then those that run, then the older. */
export async function podsOf(session: Session, source: PodSource, namespace: string): Promise<Pod[]> {
  if (source.selector === undefined) return [source.object as Pod]
  const { body } = await session.client.json<ObjectList<Pod>>({
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
    query: { labelSelector: source.selector }
  })
  return body.items.sort(byUsefulness)
}

/** The one pod to act on; an error when there is none that could run. */
export async function onePodOf(session: Session, source: PodSource, namespace: string): Promise<Pod> {
  const [pod] = (await podsOf(session, source, namespace)).filter((p) => !isFinished(p))
  if (!pod) throw new MkError('MK_INPUT', `${source.title} has no running pod`, { hint: 'see `mk get pods`' })
  return pod
}

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True')

export const isFinished = (pod: Pod): boolean =>
  pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** The container to use: the one asked for, else the annotated default, else the first. */
export function containerOf(pod: Pod, wanted: string | undefined): string {
  const spec = pod.spec
  const names = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((c) => c.name)
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']
  const name = wanted ?? (annotated !== undefined && names.includes(annotated) ? annotated : names[0])
  if (name !== undefined && names.includes(name)) return name
  throw new MkError('MK_INPUT', `container ${name ?? ''} not found in pod ${pod.metadata.name}`, {
    hint: `its containers are: ${names.join(', ')}`
  })
}

function byUsefulness(a: Pod, b: Pod): number {
  const rank = (pod: Pod) => (isReady(pod) ? 0 : pod.status?.phase === 'Running' ? 1 : 2)
  const age = (pod: Pod) => pod.metadata.creationTimestamp ?? ''
  return rank(a) - rank(b) || (age(a) < age(b) ? -1 : 1)
}
