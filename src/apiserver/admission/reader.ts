import type { Kind } from '../../api/kind.js'
import type { KubeObject } from '../../base/object.js'
import type { Store } from '../../store/store.js'
import { entityOf } from '../entity.js'
import { storageKey, storagePrefix } from '../keys.js'

/** What admission plugins may look up: stored objects by kind, straight from the store. */
export interface ObjectReader {
  get<T extends KubeObject>(ref: KindRef, namespace: string | undefined, name: string): T | undefined
  list<T extends KubeObject>(ref: KindRef, namespace?: string): T[]
}

export interface KindRef {
  group: string
  kind: string
}

/** Kinds that are not served have no objects. */
export function createObjectReader(store: Store, kinds: readonly Kind[]): ObjectReader {
  const kindOf = (ref: KindRef) => kinds.find((kind) => kind.group === ref.group && kind.kind === ref.kind)
  return {
    get: <T extends KubeObject>(ref: KindRef, namespace: string | undefined, name: string) => {
      const kind = kindOf(ref)
      const record = kind && store.get(storageKey(kind, namespace, name))
      return record && (entityOf(kind, record).object as T)
    },
    list: <T extends KubeObject>(ref: KindRef, namespace?: string) => {
      const kind = kindOf(ref)
      if (!kind) return []
      const { records } = store.list({ prefix: storagePrefix(kind, namespace) })
      return records.map((record) => entityOf(kind, record).object as T)
    }
  }
}
