// In Go these are maps or plain structs, for which empty and missing are the same. For others `{}` says something:
// `emptyDir: {}`, `labelSelector: {}`.
const emptyMeansMissing = new Set([
  'metadata',
  'labels',
  'annotations',
  'resources',
  'limits',
  'requests',
  'securityContext',
  'nodeSelector',
  'matchLabels'
])

/** Equal as API objects: null, empty lists and empty maps are the same as a field left out (upstream: equality.Semantic). */
export function semanticEqual(a: unknown, b: unknown, field = ''): boolean {
  if (a === b) return true
  if (isMissing(field, a) || isMissing(field, b)) return isMissing(field, a) && isMissing(field, b)
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => semanticEqual(item, b[i]))
  }
  if (!isRecord(a) || !isRecord(b) || Array.isArray(b)) return false
  const fields = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...fields].every((name) => semanticEqual(a[name], b[name], name))
}

/** JSON with sorted fields and without missing ones: equal objects give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(([name, field]) => !isMissing(name, field))
            .sort(([x], [y]) => (x < y ? -1 : 1))
        )
      : inner
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

function isMissing(field: string, value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (Array.isArray(value)) return value.length === 0
  return emptyMeansMissing.has(field) && isRecord(value) && Object.keys(value).length === 0
}
