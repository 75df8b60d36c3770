import type { Pod } from '../api/types.js'
import type { ObjectList } from '../base/object.js'
import { isReason, StatusError } from '../base/status.js'
import { linesOf, type Query } from '../client/https.js'
import type { Session } from './session.js'
import { versionOf, watchEvents } from './watch.js'

/** Parameters of a log request besides the container. */
export interface LogQuery {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines: number | undefined
  readonly sinceSeconds: number | undefined
  readonly sinceTime: string | undefined
}

export interface LogSink {
  /** One line of one container, with its end. */
  line(pod: Pod, container: string, text: string): void
  note(text: string): void
}

/** Prints a container's log; with `follow`, until the container ends. */
export async function streamLog(
  session: Session,
  source: { pod: Pod; container: string; query: LogQuery; signal: AbortSignal },
  sink: LogSink
): Promise<void> {
  const { pod, container, query, signal } = source
  const { name, namespace = 'default' } = pod.metadata
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`
  try {
    const body = await session.client.stream({
      path,
      query: parameters(container, query),
      signal,
      accept: '*/*'
    })
    for await (const line of linesOf(body)) sink.line(pod, container, `${line}\n`)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function parameters(container: string, query: LogQuery): Query {
  const { follow, previous, timestamps } = query
  return {
    ...query,
    container,
    follow: follow || undefined,
    previous: previous || undefined,
    timestamps: timestamps || undefined
  }
}

/**
 * Follows the containers of all pods that match, those that come later and those that restart included, until the
 * signal aborts.
 */
export async function followPods(
  session: Session,
  source: {
    path: string
    labelSelector: string
    containers: (pod: Pod) => readonly string[]
    query: LogQuery
    signal: AbortSignal
  },
  sink: LogSink
): Promise<void> {
  const { path, labelSelector, signal } = source
  const followed = new Set<string>()
  const failures: unknown[] = []
  const see = (pod: Pod, first: boolean) => {
    for (const { container, id } of startedContainers(pod, source.containers(pod))) {
      if (followed.has(id)) continue
      followed.add(id)
      // What came after we began is wanted from its beginning.
      const query = first ? source.query : { ...source.query, tailLines: undefined, sinceSeconds: undefined }
      streamLog(session, { pod, container, query, signal }, sink).catch((error: unknown) => {
        // The container may be gone by now, which is no reason to end.
        if (error instanceof StatusError) sink.note(`${pod.metadata.name}: ${error.message}`)
        else failures.push(error)
      })
    }
  }
  for (let first = true; !signal.aborted; first = false) {
    try {
      const { body: list } = await session.client.json<ObjectList<Pod>>({
        path,
        query: { labelSelector },
        signal
      })
      for (const pod of list.items) see(pod, first)
      const { resourceVersion } = list.metadata
      const query = { labelSelector }
      for await (const event of watchEvents<Pod>({
        session,
        path,
        query,
        signal,
        resourceVersion,
        versionOf
      })) {
        if (event.type !== 'DELETED') see(event.object, false)
        if (failures.length > 0) throw failures[0]
      }
    } catch (error) {
      if (!signal.aborted && !isReason(error, 'Expired', 'Gone')) throw error
    }
  }
}

/** Container instances that have begun: a restarted container has another id. */
function startedContainers(pod: Pod, names: readonly string[]): { container: string; id: string }[] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  return statuses
    .filter((status) => names.includes(status.name) && (status.state?.running ?? status.state?.terminated))
    .map((status) => ({
      container: status.name,
      id: `${pod.metadata.uid}/${status.name}/${status.containerID ?? ''}`
    }))
}
