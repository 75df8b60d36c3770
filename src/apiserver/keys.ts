import type { Kind } from '../api/kind.js'

/** `/registry/<group or core>/<plural>/`, with the namespace's segment if one is given. Ends in a slash. */
export function storagePrefix(kind: Kind, namespace?: string): string {
  const { group, plural } = kind.storedAs ?? kind
  return `/registry/${group || 'core'}/${plural}/${kind.namespaced && namespace ? `${namespace}/` : ''}`
}

export function storageKey(kind: Kind, namespace: string | undefined, name: string): string {
  return storagePrefix(kind, namespace) + name
}
