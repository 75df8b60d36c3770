import type { Pod, PodAffinityTerm } from '../api/types.js'
import type { LabelSelector } from '../base/selectors.js'
import { selectorFromLabelSelector } from '../base/selectors.js'
import type { ClusterView } from './cluster-state.js'

/** A pod affinity term ready to be matched: namespaces resolved, selector parsed. */
export interface PodTerm {
  topologyKey: string
  weight: number
  matches(pod: Pod): boolean
}

/** `owner` is the pod that has the term. */
export function podTerm(term: PodAffinityTerm, owner: Pod, view: ClusterView, weight = 0): PodTerm {
  const { namespaces = [], namespaceSelector, topologyKey } = term
  const selector = selectorFromLabelSelector(
    withPodLabels(term.labelSelector, owner, term.matchLabelKeys, term.mismatchLabelKeys)
  )
  const ofNamespaces = namespaceSelector && selectorFromLabelSelector(namespaceSelector)
  const own = namespaces.length === 0 && !ofNamespaces ? [owner.metadata.namespace ?? ''] : namespaces
  return {
    topologyKey,
    weight,
    matches: ({ metadata }) => {
      const namespace = metadata.namespace ?? ''
      const inNamespace = own.includes(namespace) || ofNamespaces?.matches(view.namespaceLabels(namespace))
      return inNamespace === true && selector.matches(metadata.labels)
    }
  }
}

/** matchLabelKeys and mismatchLabelKeys: the owner's own values of those labels become part of the selector. */
export function withPodLabels(
  selector: LabelSelector | undefined,
  owner: Pod,
  match: readonly string[] | undefined,
  mismatch: readonly string[] | undefined
): LabelSelector | undefined {
  const labels = owner.metadata.labels ?? {}
  const expressions = (keys: readonly string[] | undefined, operator: string) =>
    (keys ?? []).flatMap((key) => {
      const value = labels[key]
      return value === undefined ? [] : [{ key, operator, values: [value] }]
    })
  const extra = [...expressions(match, 'In'), ...expressions(mismatch, 'NotIn')]
  if (!selector || extra.length === 0) return selector
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...extra] }
}
