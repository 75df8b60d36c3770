import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../api/types.js'
import { quantityToMilli, quantityToNumber } from '../base/quantity.js'

/** What a pod may learn about where it runs; known before its containers are made. */
export interface DownwardFacts {
  podIps: readonly string[]
  hostIps: readonly string[]
  /** Allocatable of the node, by resource name: stands in for limits that are not set. */
  allocatable: Readonly<Record<string, string>>
}

/** The value of a fieldRef, as env and downwardAPI volumes show it. Undefined: no such field. */
export function fieldValue(
  pod: Pod,
  { fieldPath }: ObjectFieldSelector,
  facts: DownwardFacts
): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath)
  if (subscript) {
    const map = subscript[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations
    return map?.[subscript[2] ?? ''] ?? ''
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace ?? ''
    case 'metadata.uid':
      return pod.metadata.uid
    case 'metadata.labels':
      return formatMap(pod.metadata.labels ?? {})
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations ?? {})
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return facts.hostIps[0] ?? ''
    case 'status.hostIPs':
      return facts.hostIps.join(',')
    case 'status.podIP':
      return facts.podIps[0] ?? ''
    case 'status.podIPs':
      return facts.podIps.join(',')
    default:
      return undefined
  }
}

/**
 * The value of a resourceFieldRef, divided by the divisor and rounded up. A limit that is not set is the node's
 * allocatable. Undefined: no such resource field.
 */
export function resourceValue(
  container: Container,
  { resource, divisor }: ResourceFieldSelector,
  facts: DownwardFacts
): string | undefined {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource)
  if (!match) return undefined
  const [, kind, name = ''] = match
  const set = kind === 'limits' ? container.resources?.limits?.[name] : container.resources?.requests?.[name]
  const fallback = kind === 'limits' ? (facts.allocatable[name] ?? '0') : '0'
  const quantity = set ?? fallback
  const unit = divisor === undefined || quantityToMilli(divisor) === 0 ? '1' : divisor
  return name === 'cpu'
    ? String(Math.ceil(quantityToMilli(quantity) / quantityToMilli(unit)))
    : String(Math.ceil(quantityToNumber(quantity) / quantityToNumber(unit)))
}

/** Sorted lines `key="value"` (fieldpath.FormatMap). */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${goQuote(map[key] ?? '')}`)
    .join('\n')
}

const escapes: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v'
}

/** Go's %q. */
function goQuote(text: string): string {
  const escaped = text.replace(/["\\\u0000-\u001f\u007f]/g, (char) => {
    const code = char.charCodeAt(0).toString(16).padStart(2, '0')
    return escapes[char] ?? `\\x${code}`
  })
  return `"${escaped}"`
}
