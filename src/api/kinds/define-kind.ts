import type { KubeObject } from '../../base/object.js'
import type { Kind, Subresource, Verb } from '../kind.js'

/** What a stored kind serves when it says nothing else. */
const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch'
]

type Optional = 'singular' | 'shortNames' | 'categories' | 'verbs' | 'subresources' | 'schema'
type Declared<T extends KubeObject> = Omit<Kind<T>, Optional> & Partial<Pick<Kind<T>, Optional>>

/** Fills in what follows from the rest: the singular, all verbs, the schema's name. */
export function defineKind<T extends KubeObject>(declared: Declared<T>): Kind<T> {
  const { group, version, kind } = declared
  return {
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: allVerbs,
    subresources: [],
    // Schemas carry the first label of the group: networking.k8s.io is networking.
    schema: `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`,
    ...declared
  }
}

export const statusSubresource: Subresource = { name: 'status', verbs: ['get', 'patch', 'update'] }

export const scaleSubresource: Subresource = {
  name: 'scale',
  verbs: ['get', 'patch', 'update'],
  bodyKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }
}
