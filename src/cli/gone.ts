import { MkError } from '../base/errors.js'
import type { KubeObject, ObjectList } from '../base/object.js'
import { isReason } from '../base/status.js'
import { type ApiResource, pathOf, qualifiedSingular } from './discovery.js'
import type { Session } from './session.js'
import { versionOf, watchEvents } from './watch.js'

/**
 * Resolves when the object with that uid is gone (another of the same name doesn't count). `timeoutMs` 0 waits for ever.
 */
export async function waitUntilGone(
  session: Session,
  object: { resource: ApiResource; namespace: string | undefined; name: string; uid: string | undefined },
  options: { timeoutMs: number; signal: AbortSignal }
): Promise<void> {
  const { resource, namespace, name, uid } = object
  const timeout = options.timeoutMs > 0 ? AbortSignal.timeout(options.timeoutMs) : undefined
  const signal = timeout ? AbortSignal.any([options.signal, timeout]) : options.signal
  const path = pathOf(resource, { namespace })
  const query = { fieldSelector: `metadata.name=${name}` }
  const isOurs = (found: KubeObject) => uid === undefined || found.metadata.uid === uid
  while (!signal.aborted) {
    const { body: list } = await session.client.json<ObjectList>({ path, query })
    if (!list.items.some(isOurs)) return
    const events = watchEvents({
      session,
      path,
      query,
      signal,
      resourceVersion: list.metadata.resourceVersion,
      versionOf
    })
    try {
      for await (const { type, object: found } of events) {
        if (type === 'DELETED' || !isOurs(found)) return
      }
    } catch (error) {
      if (!isReason(error, 'Expired', 'Gone') && !signal.aborted) throw error
    }
  }
  if (timeout?.aborted) {
    throw new MkError(
      'MK_TIMEOUT',
      `timed out waiting for ${qualifiedSingular(resource)}/${name} to be deleted`
    )
  }
}
