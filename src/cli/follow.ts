import type { KubeObject, ObjectList } from '../base/object.js'
import { isReason } from '../base/status.js'
import { type ApiResource, pathOf } from './discovery.js'
import type { Session } from './session.js'
import { versionOf, watchEvents } from './watch.js'

/**
 * One object now and after each change; undefined once when it is not there any more. Ends when the signal aborts;
 * one that never was is a NotFound error.
 */
export async function* followObject<T extends KubeObject>(
  session: Session,
  target: { resource: ApiResource; namespace: string | undefined; name: string; signal: AbortSignal }
): AsyncGenerator<T | undefined> {
  const { resource, namespace, name, signal } = target
  const path = pathOf(resource, { namespace })
  const query = { fieldSelector: `metadata.name=${name}` }
  await session.client.json({ path: pathOf(resource, { namespace, name }) })
  while (!signal.aborted) {
    try {
      const { body: list } = await session.client.json<ObjectList<T>>({ path, query, signal })
      yield list.items[0]
      if (list.items.length === 0) return
      const { resourceVersion } = list.metadata
      for await (const event of watchEvents<T>({
        session,
        path,
        query,
        signal,
        resourceVersion,
        versionOf
      })) {
        yield event.type === 'DELETED' ? undefined : event.object
        if (event.type === 'DELETED') return
      }
    } catch (error) {
      if (!signal.aborted && !isReason(error, 'Expired', 'Gone')) throw error
    }
  }
}
