import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../api/types.js'
import { safeEncode } from '../../base/ids.js'
import { canonicalJson, semanticEqual } from '../support/equal.js'

export const hashLabel = 'pod-template-hash'
export const annotations = {
  revision: 'deployment.kubernetes.io/revision',
  history: 'deployment.kubernetes.io/revision-history',
  desired: 'deployment.kubernetes.io/desired-replicas',
  max: 'deployment.kubernetes.io/max-replicas'
} as const

/** Not copied from a Deployment to its ReplicaSets. */
const own = new Set<string>([
  ...Object.values(annotations),
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to'
])
const maxHistoryLength = 2000

export const byCreation = (a: ReplicaSet, b: ReplicaSet): number =>
  Date.parse(a.metadata.creationTimestamp ?? '') - Date.parse(b.metadata.creationTimestamp ?? '') ||
  (a.metadata.name < b.metadata.name ? -1 : 1)

export const revisionOf = (set: ReplicaSet): number =>
  Number(set.metadata.annotations?.[annotations.revision] ?? 0)

export const isSameTemplate = (deployment: Deployment, set: ReplicaSet): boolean =>
  semanticEqual(deployment.spec.template, withoutHash(set.spec.template ?? {}))

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const labels = { ...template.metadata?.labels }
  delete labels[hashLabel]
  return { ...template, metadata: { ...template.metadata, labels } }
}

/** The set of the current template, the oldest if there are several; going back to an old template finds its set. */
export const findNewSet = (deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  [...sets].sort(byCreation).find((set) => isSameTemplate(deployment, set))

/** The hash in a ReplicaSet's name; `collisions` changes it when the name is taken by something else. FNV-1a, 32 bit. */
export function templateHash(template: PodTemplateSpec, collisions: number | undefined): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(
    canonicalJson(template) + (collisions === undefined ? '' : String(collisions))
  )) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  return safeEncode(String(hash))
}

/** The annotations that the set of the current template should have (upstream: SetNewReplicaSetAnnotations). */
export function newSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number
): Record<string, string> {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !own.has(name))
  const result = { ...set?.metadata.annotations, ...Object.fromEntries(copied) }
  const current = set ? revisionOf(set) : 0
  if (current >= revision) return result
  result[annotations.revision] = String(revision)
  if (current > 0) result[annotations.history] = history(result[annotations.history], current)
  return result
}

/** Revisions that the set had before, oldest first; the oldest go when it gets too long. */
function history(known: string | undefined, revision: number): string {
  const all = [...(known ? known.split(',') : []), String(revision)]
  while (all.length > 1 && all.join(',').length > maxHistoryLength) all.shift()
  return all.join(',')
}

/** What a set should tell of its Deployment's size, for proportional scaling. */
export const sizeAnnotations = (desired: number, maxSurge: number): Record<string, string> => ({
  [annotations.desired]: String(desired),
  [annotations.max]: String(desired + maxSurge)
})
