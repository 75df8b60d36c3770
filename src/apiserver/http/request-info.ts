/** What a request's path and method mean (apiserver RequestInfo). */
export interface RequestInfo {
  readonly path: string
  readonly method: string
  /** Undefined for paths that are no resource: discovery, health, OpenAPI. */
  readonly resource?: ResourceInfo
}

export interface ResourceInfo {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  /** The deprecated `/watch/` prefix. */
  readonly watchPrefix: boolean
}

// Below a namespace's name, these are its subresources and not the plural of something inside.
const namespaceSubresources = ['status', 'finalize']

/** Segments are percent-decoded; undefined if they cannot be. */
export function parseRequest(method: string, path: string): RequestInfo | undefined {
  const segments: string[] = []
  for (const part of path.split('/').filter((segment) => segment !== '')) {
    try {
      segments.push(decodeURIComponent(part))
    } catch {
      return undefined
    }
  }
  const resource = resourceOf(segments)
  return { method, path, ...(resource ? { resource } : {}) }
}

function resourceOf(segments: readonly string[]): ResourceInfo | undefined {
  const [root, ...rest] = segments
  if (root === 'api') {
    const [version, ...parts] = rest
    return version === undefined ? undefined : inGroup('', version, parts)
  }
  if (root !== 'apis') return undefined
  const [group, version, ...parts] = rest
  return group === undefined || version === undefined ? undefined : inGroup(group, version, parts)
}

function inGroup(group: string, version: string, parts: readonly string[]): ResourceInfo | undefined {
  const watchPrefix = parts[0] === 'watch'
  const path = watchPrefix ? parts.slice(1) : parts
  if (path.length === 0) return undefined
  const base = { group, version, watchPrefix }
  const [first, namespace, plural, name, ...sub] = path
  if (first === 'namespaces' && namespace !== undefined && plural !== undefined) {
    if (!namespaceSubresources.includes(plural)) return { ...base, namespace, plural, ...target(name, sub) }
  }
  return { ...base, plural: first ?? '', ...target(namespace, path.slice(2)) }
}

function target(name: string | undefined, sub: readonly string[]): { name?: string; subresource?: string } {
  return {
    ...(name === undefined ? {} : { name }),
    ...(sub.length === 0 ? {} : { subresource: sub.join('/') })
  }
}
