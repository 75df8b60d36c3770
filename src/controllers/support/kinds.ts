import type { Kind } from '../../api/kind.js'

/** Kinds whose objects are stored under a key of their own: each object comes up once, in one of its groups. */
const isStored = (kind: Kind): boolean => !kind.virtual && kind.storedAs === undefined

/** What the garbage collector watches. Events depend on nothing and would only cost. */
export const collectableKinds = (kinds: readonly Kind[]): Kind[] =>
  kinds.filter(
    (kind) =>
      isStored(kind) && kind.kind !== 'Event' && kind.verbs.includes('watch') && kind.verbs.includes('delete')
  )

/** What has to go with a namespace. */
export const contentKinds = (kinds: readonly Kind[]): Kind[] =>
  kinds.filter((kind) => isStored(kind) && kind.namespaced && kind.verbs.includes('delete'))
