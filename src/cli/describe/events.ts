import type { Event } from '../../api/types.js'
import type { KubeObject, ObjectList } from '../../base/object.js'
import { humanDuration } from '../duration.js'
import type { Session } from '../session.js'
import { formatColumns } from '../table.js'

/** The table of an object's events, oldest first, or `<none>`. */
export async function eventsOf(session: Session, object: KubeObject, now: Date): Promise<string> {
  const { namespace, name, uid } = object.metadata
  // Events about cluster-scoped objects are kept in the default namespace.
  const place = encodeURIComponent(namespace ?? 'default')
  const { body } = await session.client.json<ObjectList<Event>>({
    path: `/api/v1/namespaces/${place}/events`,
    query: { fieldSelector: `involvedObject.name=${name}` }
  })
  const events = body.items
    .filter(
      ({ involvedObject }) => involvedObject.kind === object.kind && isAbout(involvedObject.uid, uid, name)
    )
    .sort((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1))
  if (events.length === 0) return 'Events:  <none>\n'
  const rows = events.map((event) => [
    `  ${event.type ?? ''}`,
    event.reason ?? '',
    age(event, now),
    event.reportingComponent || event.source?.component || '',
    (event.message ?? '').trim()
  ])
  return `Events:\n${formatColumns([['  Type', 'Reason', 'Age', 'From', 'Message'], ...rows])}`
}

/** A node's events carry its name as uid (kubelet). */
const isAbout = (about: string | undefined, uid: string, name: string): boolean =>
  about === undefined || about === '' || about === uid || about === name

const lastSeen = (event: Event): string =>
  event.series?.lastObservedTime ??
  event.lastTimestamp ??
  event.eventTime ??
  event.metadata.creationTimestamp ??
  ''

/** `3s (x4 over 2m)` as kubectl prints it. */
function age(event: Event, now: Date): string {
  const since = (time: string | undefined) => humanDuration(now.getTime() - Date.parse(time ?? ''))
  const count = event.series?.count ?? event.count ?? 1
  const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp
  return count > 1 ? `${since(lastSeen(event))} (x${count} over ${since(first)})` : since(lastSeen(event))
}
