import type { Pod } from '../../api/types.js'
import type { ClusterView } from '../cluster-state.js'
import type { NodeInfo } from '../node-info.js'
import type { FilterPlugin, ScorePlugin } from '../plugin.js'
import { rejection } from '../plugin.js'
import { podTerm } from '../pod-terms.js'
import type { PodTerm } from '../pod-terms.js'

const domain = (key: string, value: string): string => `${key}\0${value}`

/** In which domains of each term's topology are there pods that match it? */
function matchingDomains(terms: readonly PodTerm[], view: ClusterView): ReadonlySet<string>[] {
  const found = terms.map(() => new Set<string>())
  for (const { node, pods } of view.nodes.values()) {
    for (const [i, term] of terms.entries()) {
      const value = node.metadata.labels?.[term.topologyKey]
      if (value === undefined || found[i]?.has(value)) continue
      for (const { pod } of pods.values()) {
        if (!term.matches(pod)) continue
        found[i]?.add(value)
        break
      }
    }
  }
  return found
}

/** Domains that pods already there keep this pod out of. */
function repellingDomains(pod: Pod, view: ClusterView): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { node, repelling } of view.nodes.values()) {
    for (const other of repelling.values()) {
      const terms =
        other.pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
      for (const term of terms) {
        const value = node.metadata.labels?.[term.topologyKey]
        if (value === undefined || !podTerm(term, other.pod, view).matches(pod)) continue
        found.add(domain(term.topologyKey, value))
      }
    }
  }
  return found
}

/** Required pod affinity and anti-affinity, in both directions. */
export const interPodAffinity: FilterPlugin = {
  name: 'InterPodAffinity',
  changes: ['node', 'pod-gone', 'pod-placed'],
  prepare: ({ pod }, view) => {
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
    const parse = (terms: typeof required) => (terms ?? []).map((term) => podTerm(term, pod, view))
    const required = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    const wanted = parse(required)
    const unwanted = parse(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
    const repelled = repellingDomains(pod, view)
    if (wanted.length === 0 && unwanted.length === 0 && repelled.size === 0) return undefined
    const near = matchingDomains(wanted, view)
    const far = matchingDomains(unwanted, view)
    // The first of a group that wants to be together has nobody to be near to yet.
    const isFirst = near.every((domains) => domains.size === 0) && wanted.every((term) => term.matches(pod))
    return ({ node }) => {
      const labels = node.metadata.labels ?? {}
      const valueOf = ({ topologyKey }: PodTerm) => labels[topologyKey]
      const fits = wanted.every((term, i) => {
        const value = valueOf(term)
        return value !== undefined && (isFirst || near[i]?.has(value))
      })
      if (!fits) return rejection("node(s) didn't match pod affinity rules")
      const clashes = unwanted.some((term, i) => {
        const value = valueOf(term)
        return value !== undefined && far[i]?.has(value)
      })
      if (clashes) return rejection("node(s) didn't match pod anti-affinity rules", true)
      for (const [key, value] of Object.entries(labels)) {
        if (!repelled.has(domain(key, value))) continue
        return rejection("node(s) didn't satisfy existing pods anti-affinity rules", true)
      }
      return undefined
    }
  }
}

/** Weights of preferred terms, positive for affinity and negative for anti-affinity. */
export const preferredPodAffinity: ScorePlugin = {
  name: 'InterPodAffinity',
  weight: 2,
  score: ({ pod }, nodes, view) => {
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
    const near = podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    const far = podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    if (near.length + far.length === 0) return undefined
    const terms = [
      ...near.map(({ podAffinityTerm, weight }) => podTerm(podAffinityTerm, pod, view, weight)),
      ...far.map(({ podAffinityTerm, weight }) => podTerm(podAffinityTerm, pod, view, -weight))
    ]
    const sums = domainSums(terms, view)
    return spread(nodes.map((node) => sumFor(node, terms, sums)))
  }
}

function domainSums(terms: readonly PodTerm[], view: ClusterView): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { node, pods } of view.nodes.values()) {
    for (const term of terms) {
      const value = node.metadata.labels?.[term.topologyKey]
      if (value === undefined) continue
      const id = domain(term.topologyKey, value)
      for (const { pod } of pods.values()) {
        if (term.matches(pod)) sums.set(id, (sums.get(id) ?? 0) + term.weight)
      }
    }
  }
  return sums
}

function sumFor({ node }: NodeInfo, terms: readonly PodTerm[], sums: ReadonlyMap<string, number>): number {
  const keys = new Set(terms.map(({ topologyKey }) => topologyKey))
  return [...keys].reduce((sum, key) => {
    const value = node.metadata.labels?.[key]
    return sum + (value === undefined ? 0 : (sums.get(domain(key, value)) ?? 0))
  }, 0)
}

/** The least gets 0, the most 100. */
function spread(sums: readonly number[]): number[] {
  const min = Math.min(...sums)
  const range = Math.max(...sums) - min
  return sums.map((sum) => (range === 0 ? 0 : Math.floor((100 * (sum - min)) / range)))
}
