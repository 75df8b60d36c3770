import { groupVersionOf } from '../../api/kind.js'
import type { Kind, Subresource } from '../../api/kind.js'
import { statusErrors } from '../../base/status.js'
import { send, sendJson, sendPathNotFound } from './exchange.js'
import type { Exchange } from './exchange.js'
import { parseAccept } from './negotiation.js'

const aggregatedGroup = 'apidiscovery.k8s.io'
const aggregatedKind = 'APIGroupDiscoveryList'
const aggregatedVersions = ['v2', 'v2beta1']

/** `/api`, `/apis` and below, in the aggregated form for those who ask for it. */
export interface Discovery {
  /** Answers if the path is one of discovery; false if it is not. */
  serve(exchange: Exchange): Promise<boolean>
}

export function createDiscovery(kinds: readonly Kind[]): Discovery {
  const groups = [...new Set(kinds.map((kind) => kind.group))].filter((group) => group !== '')
  const of = (group: string) => kinds.filter((kind) => kind.group === group)
  const aggregated = new Map<string, string>()
  for (const version of aggregatedVersions) {
    aggregated.set(`/api ${version}`, aggregate(version, [{ group: '', kinds: of('') }]))
    const rest = groups.map((group) => ({ group, kinds: of(group) }))
    aggregated.set(`/apis ${version}`, aggregate(version, rest))
  }

  async function root(exchange: Exchange, path: '/api' | '/apis'): Promise<void> {
    const version = aggregatedVersionFor(exchange.headers.accept)
    if (version !== undefined) {
      const type = `application/json;g=${aggregatedGroup};v=${version};as=${aggregatedKind}`
      await send(exchange, 200, aggregated.get(`${path} ${version}`) ?? '', type)
    } else if (path === '/api') {
      await sendJson(exchange, 200, {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: exchange.headers.host ?? '' }]
      })
    } else {
      const list = groups.map((group) => groupOf(group, of(group)))
      await sendJson(exchange, 200, { kind: 'APIGroupList', apiVersion: 'v1', groups: list })
    }
  }

  return {
    serve: async (exchange) => {
      const [first, ...rest] = exchange.path.split('/').filter(Boolean)
      if ((first !== 'api' && first !== 'apis') || (exchange.method !== 'GET' && exchange.method !== 'HEAD'))
        return false
      const [group, version] = first === 'api' ? ['', rest[0]] : [rest[0], rest[1]]
      if (rest.length > (first === 'api' ? 1 : 2)) return false
      if (rest.length === 0) await root(exchange, `/${first}`)
      else if (version === undefined) await sendGroup(exchange, group ?? '', of(group ?? ''))
      else
        await sendResources(
          exchange,
          of(group ?? '').filter((kind) => kind.version === version)
        )
      return true
    }
  }
}

/** The form that the client prefers; undefined for the legacy one. Throws 406 if it takes neither. */
function aggregatedVersionFor(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== 'application/json' && type !== 'application/*' && type !== '*/*') continue
    const as = parameters.get('as')
    if (as === undefined) return undefined
    const version = parameters.get('v') ?? ''
    const known = as === aggregatedKind && parameters.get('g') === aggregatedGroup
    if (known && aggregatedVersions.includes(version)) return version
  }
  throw statusErrors.notAcceptable(['application/json'])
}

async function sendGroup(exchange: Exchange, group: string, kinds: readonly Kind[]): Promise<void> {
  if (kinds.length === 0) return sendPathNotFound(exchange)
  return sendJson(exchange, 200, { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, kinds) })
}

function groupOf(group: string, kinds: readonly Kind[]) {
  const versions = [...new Set(kinds.map((kind) => kind.version))].map((version) => ({
    groupVersion: groupVersionOf({ group, version }),
    version
  }))
  return { name: group, versions, preferredVersion: versions[0] }
}

async function sendResources(exchange: Exchange, kinds: readonly Kind[]): Promise<void> {
  const [first] = kinds
  if (!first) return sendPathNotFound(exchange)
  return sendJson(exchange, 200, {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersionOf(first),
    resources: kinds.flatMap(legacyEntries)
  })
}

/** A resource and, as entries of their own, its subresources. */
function legacyEntries(kind: Kind): unknown[] {
  const { plural, singular, namespaced, shortNames, categories, verbs } = kind
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs: [...verbs].sort(),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {})
  }
  const subs = kind.subresources.map((sub) => ({
    name: `${plural}/${sub.name}`,
    singularName: '',
    namespaced,
    ...(sub.bodyKind ?? {}),
    kind: sub.bodyKind?.kind ?? connectKind(kind, sub),
    verbs: [...sub.verbs].sort()
  }))
  return [main, ...subs]
}

/** Streams take options for a body: `PodExecOptions`. */
function connectKind(kind: Kind, sub: Subresource): string {
  const names: Readonly<Record<string, string>> = {
    exec: 'PodExecOptions',
    attach: 'PodAttachOptions',
    portforward: 'PodPortForwardOptions'
  }
  return (Object.hasOwn(names, sub.name) ? names[sub.name] : undefined) ?? kind.kind
}

function aggregate(version: string, groups: readonly { group: string; kinds: readonly Kind[] }[]): string {
  const items = groups.map(({ group, kinds }) => ({
    metadata: group ? { name: group, creationTimestamp: null } : { creationTimestamp: null },
    versions: [...new Set(kinds.map((kind) => kind.version))].map((one) => ({
      version: one,
      resources: kinds.filter((kind) => kind.version === one).map(aggregatedEntry),
      freshness: 'Current'
    }))
  }))
  return JSON.stringify({
    kind: aggregatedKind,
    apiVersion: `${aggregatedGroup}/${version}`,
    metadata: {},
    items
  })
}

function aggregatedEntry(kind: Kind): unknown {
  const responseKind = { group: kind.group, version: kind.version, kind: kind.kind }
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: [...kind.verbs].sort(),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.subresources.length > 0
      ? {
          subresources: kind.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: sub.bodyKind ?? { ...responseKind, kind: connectKind(kind, sub) },
            verbs: [...sub.verbs].sort()
          }))
        }
      : {})
  }
}
