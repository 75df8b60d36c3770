import type { MessageFacts } from './facts.js'
import type { Model } from './models.js'

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** The parts of `io.k8s.api.core.v1.Pod`: `core`, `v1`, `Pod`. */
export function splitId(id: string): { group: string; version: string; name: string; prefix: string } {
  const parts = id.split('.')
  const [group = '', version = '', name = ''] = parts.slice(-3)
  return { group, version, name, prefix: parts.slice(0, -1).join('.') }
}

const fullGroups: Record<string, string> = {
  core: '',
  meta: '',
  rbac: 'rbac.authorization.k8s.io',
  apiextensions: 'apiextensions.k8s.io',
  apps: 'apps',
  batch: 'batch',
  autoscaling: 'autoscaling',
  policy: 'policy'
}

/** `networking` → `networking.k8s.io` */
export const fullGroupOf = (group: string): string => fullGroups[group] ?? `${group}.k8s.io`

/**
 * Which definition each model is. Models carry their group only where two groups share a name (`CoreV1Event`), so
 * the facts, listed by group, tell; what they refer to and don't list is of the same group.
 */
export function nameDefinitions(
  models: Map<string, Model>,
  facts: Map<string, MessageFacts>
): Map<string, string> {
  const ids = new Map<string, string>()
  const claim = (modelName: string, id: string) => {
    const model = models.get(modelName)
    if (!model || ids.has(modelName)) return
    ids.set(modelName, id)
  }
  // Core has messages of names that meta has too (Preconditions); the published ones are meta's.
  const metaFirst = [...facts.keys()].sort(
    (a, b) => Number(b.includes('.meta.')) - Number(a.includes('.meta.'))
  )
  for (const id of metaFirst) {
    const { group, version, name } = splitId(id)
    const short = capital(version) + name
    claim(models.has(capital(group) + short) ? capital(group) + short : short, id)
  }
  for (const [modelName, id] of ids) {
    const { group, version, prefix } = splitId(id)
    for (const reference of referencesOf(models.get(modelName))) {
      const bare = reference.replace(new RegExp(`^(${capital(group)})?${capital(version)}`), '')
      if (reference !== bare) claim(reference, `${prefix}.${bare}`)
    }
    const list = models.get(`${modelName}List`)
    if (list) claim(list.name, `${id}List`)
  }
  return ids
}

const referencesOf = (model: Model | undefined): string[] =>
  (model?.properties ?? []).flatMap((p) => [...p.type.matchAll(/\b(?:[A-Z][a-z]+)?V\d\w*/g)].map((m) => m[0]))

/**
 * The TypeScript name of each model: without version where that is clear, the core group's without group
 * (`Event`, `EventsEvent`), betas with their version (`LeaseCandidateV1beta1`).
 */
export function nameTypes(models: Map<string, Model>): Map<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const rank = (name: string) =>
    /^V2[A-Z]/.test(name) ? 0 : /^CoreV1[A-Z]/.test(name) ? 1 : /^V1[A-Z]/.test(name) ? 2 : 3
  const ordered = [...models.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  for (const model of ordered) {
    const [, group = '', version = '', name = model] =
      /^([A-Z][a-z]+)??(V\d+(?:(?:alpha|beta)\d+)?)([A-Z].*)$/.exec(model) ?? []
    const stable = version === '' || /^V\d+$/.test(version)
    const full = `${group}${name}`
    const candidates = stable ? [...(group === 'Core' ? [name] : []), full] : []
    const chosen = [...candidates, `${full}${version}`].find((candidate) => !taken.has(candidate)) ?? model
    taken.add(chosen)
    names.set(model, chosen)
  }
  return names
}
