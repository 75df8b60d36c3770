import type { BackendRef, IngressModel } from './ingress-model.js'

export interface Route {
  ingress: string
  backend: BackendRef
  sslRedirect: boolean
}

interface HostRoutes {
  exact: Map<string, Route>
  /** Without a trailing slash; the longest comes first. */
  prefixes: { prefix: string; route: Route }[]
  fallback: Route | undefined
}

/**
 * The routing table of all Ingresses. As the Ingress API says: an exact host goes before a wildcard, which covers one
 * label, which goes before rules without host; within a host the longest path wins and Exact before Prefix; Prefix
 * goes by path elements; what no path takes goes to the default backend.
 */
export class Router {
  readonly #hosts = new Map<string, HostRoutes>()
  readonly #default: Route | undefined
  /** Host and path of each rule, to help who asked for something else. */
  readonly known: string[] = []

  constructor(ingresses: readonly IngressModel[]) {
    const byAge = [...ingresses].sort(
      (a, b) => a.createdAt.localeCompare(b.createdAt) || a.key.localeCompare(b.key)
    )
    for (const ingress of byAge) this.#add(ingress)
    for (const { prefixes } of this.#hosts.values())
      prefixes.sort((a, b) => b.prefix.length - a.prefix.length)
    const withDefault = byAge.filter(({ defaultBackend }) => defaultBackend !== undefined)
    const first = withDefault.find(({ rules }) => rules.length === 0) ?? withDefault[0]
    this.#default = first && defaultRouteOf(first)
  }

  /** `host` without port, lower case; `path` normalised, without query. */
  match(host: string, path: string): Route | undefined {
    const wildcard = `*${host.slice(host.indexOf('.'))}`
    const routes = this.#hosts.get(host) ?? (host.includes('.') && this.#hosts.get(wildcard)) ?? undefined
    const chosen = routes || this.#hosts.get('')
    return (chosen && matchPath(chosen, path)) ?? this.#default
  }

  #add(ingress: IngressModel): void {
    for (const { host, paths } of ingress.rules) {
      const routes: HostRoutes = this.#hosts.get(host) ?? {
        exact: new Map(),
        prefixes: [],
        fallback: undefined
      }
      this.#hosts.set(host, routes)
      routes.fallback ??= defaultRouteOf(ingress)
      for (const { path, type, backend } of paths) {
        const route = { ingress: ingress.key, backend, sslRedirect: ingress.sslRedirect }
        this.known.push(`${host || '*'}${path || '/'} (${ingress.key})`)
        if (type === 'Exact') {
          if (!routes.exact.has(path)) routes.exact.set(path, route)
          continue
        }
        const prefix = path.replace(/\/+$/, '')
        if (!routes.prefixes.some((other) => other.prefix === prefix)) routes.prefixes.push({ prefix, route })
      }
    }
  }
}

function matchPath(routes: HostRoutes, path: string): Route | undefined {
  const exact = routes.exact.get(path)
  if (exact) return exact
  const found = routes.prefixes.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))
  return found?.route ?? routes.fallback
}

function defaultRouteOf({ key, defaultBackend, sslRedirect }: IngressModel): Route | undefined {
  return defaultBackend && { ingress: key, backend: defaultBackend, sslRedirect }
}
