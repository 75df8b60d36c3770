import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MkError } from '../base/errors.js'
import type { HttpsClient } from '../client/https.js'
import { closest } from './suggest.js'

/** One resource that the server serves, in its preferred version. */
export interface ApiResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly subresources: readonly string[]
}

/** The body of aggregated discovery (apidiscovery.k8s.io/v2). */
interface GroupDiscoveryList {
  items: {
    metadata?: { name?: string }
    versions: {
      version: string
      resources: {
        resource: string
        responseKind?: { kind: string }
        scope: 'Cluster' | 'Namespaced'
        singularResource?: string
        shortNames?: string[]
        categories?: string[]
        verbs: string[]
        subresources?: { subresource: string }[]
      }[]
    }[]
  }[]
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

/**
 * What the server serves, and which resource a word of the user means. Kept on disk per server and CA; a word or kind
 * that the copy doesn't know is looked up afresh once.
 */
export class Discovery {
  readonly #client: HttpsClient
  readonly #cacheFile: string
  #resources: readonly ApiResource[] | undefined
  #fresh = false

  constructor(options: { client: HttpsClient; cacheDirectory: string }) {
    this.#client = options.client
    const { server, ca = '' } = options.client.endpoint
    const key = createHash('sha256').update(`${server}\n${ca}`).digest('hex').slice(0, 16)
    this.#cacheFile = join(options.cacheDirectory, `discovery-${key}.json`)
  }

  /** The resources a word of the user means: `pods`, `po`, `deployments.apps`, `Deployment.v1.apps`, or a category. */
  async resolve(word: string): Promise<readonly ApiResource[]> {
    const found = await this.#find((all) => {
      const matches = matchWord(all, word)
      return matches.length > 0 ? matches : undefined
    })
    if (found) return found
    const names = (await this.all()).flatMap((r) => [r.plural, r.singular, ...r.shortNames])
    const near = closest(word, names)
    throw new MkError('MK_INPUT', `the server doesn't have a resource type "${word}"`, {
      hint: near ? `did you mean "${near}"?` : 'see `mk api-resources` for those it has'
    })
  }

  /** Like {@link resolve}, for one resource: categories are refused. */
  async resolveOne(word: string): Promise<ApiResource> {
    const [first, ...others] = await this.resolve(word)
    if (first && others.length === 0) return first
    throw new MkError('MK_INPUT', `"${word}" means several resource types: name one`)
  }

  /** The resource of a manifest; undefined when the server has no such kind. */
  async resourceFor(type: {
    group: string
    version: string
    kind: string
  }): Promise<ApiResource | undefined> {
    const { group, version, kind } = type
    return this.#find((all) => all.find((r) => r.group === group && r.version === version && r.kind === kind))
  }

  async all(): Promise<readonly ApiResource[]> {
    this.#resources ??= await this.#read()
    return this.#resources ?? this.refresh()
  }

  /** Asks the server again, as after a new kind was defined. */
  async refresh(): Promise<readonly ApiResource[]> {
    const lists = await Promise.all(
      ['/api', '/apis'].map((path) => this.#client.json<GroupDiscoveryList>({ path, accept }))
    )
    const resources = lists.flatMap((reply) => resourcesOf(reply.body))
    this.#resources = resources
    this.#fresh = true
    await this.#write(resources)
    return resources
  }

  async #find<T>(look: (all: readonly ApiResource[]) => T | undefined): Promise<T | undefined> {
    const found = look(await this.all())
    return found !== undefined || this.#fresh ? found : look(await this.refresh())
  }

  async #read(): Promise<readonly ApiResource[] | undefined> {
    try {
      return JSON.parse(await readFile(this.#cacheFile, 'utf8')) as readonly ApiResource[]
    } catch {
      return undefined
    }
  }

  /** A cache that can't be written costs time, nothing else. */
  async #write(resources: readonly ApiResource[]): Promise<void> {
    try {
      await mkdir(join(this.#cacheFile, '..'), { recursive: true, mode: 0o700 })
      const draft = `${this.#cacheFile}.${process.pid}`
      await writeFile(draft, JSON.stringify(resources), { mode: 0o600 })
      await rename(draft, this.#cacheFile)
    } catch {
      // Next time the server is asked again.
    }
  }
}

/** `apps/v1` or `v1`. */
export const apiVersionOf = (r: { group: string; version: string }): string =>
  r.group ? `${r.group}/${r.version}` : r.version

/** The name in messages: `deployment.apps`, `pod`. */
export const qualifiedSingular = (r: ApiResource): string =>
  r.group ? `${r.singular}.${r.group}` : r.singular

/** Path of a collection or, with a name, of one object. */
export function pathOf(
  r: ApiResource,
  place: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {}
): string {
  const root = r.group ? `/apis/${r.group}/${r.version}` : `/api/${r.version}`
  const namespace =
    r.namespaced && place.namespace !== undefined ? `/namespaces/${encodeURIComponent(place.namespace)}` : ''
  const name = place.name === undefined ? '' : `/${encodeURIComponent(place.name)}`
  const subresource = place.subresource === undefined ? '' : `/${place.subresource}`
  return `${root}${namespace}/${r.plural}${name}${subresource}`
}

function resourcesOf(list: GroupDiscoveryList): ApiResource[] {
  return (list.items ?? []).flatMap((group) =>
    group.versions.flatMap(({ version, resources }) =>
      resources.map((r) => ({
        group: group.metadata?.name ?? '',
        version,
        kind: r.responseKind?.kind ?? '',
        plural: r.resource,
        singular: r.singularResource || (r.responseKind?.kind ?? r.resource).toLowerCase(),
        shortNames: r.shortNames ?? [],
        categories: r.categories ?? [],
        namespaced: r.scope === 'Namespaced',
        verbs: r.verbs,
        subresources: (r.subresources ?? []).map((s) => s.subresource)
      }))
    )
  )
}

/** The first match in the server's order wins (core first, preferred versions first), as in kubectl's RESTMapper. */
function matchWord(all: readonly ApiResource[], word: string): readonly ApiResource[] {
  const [name = '', ...rest] = word.toLowerCase().split('.')
  const suffix = rest.join('.')
  const inGroup = (r: ApiResource) =>
    suffix === '' ||
    r.group === suffix ||
    `${r.version}.${r.group}` === suffix ||
    (!r.group && r.version === suffix)
  const candidates = all.filter(inGroup)
  const exact = candidates.find(
    (r) => r.plural === name || r.singular === name || r.kind.toLowerCase() === name
  )
  const match = exact ?? candidates.find((r) => r.shortNames.includes(name))
  if (match) return [match]
  if (suffix) return []
  const members = all.filter((r) => r.categories.includes(name))
  return members.filter(
    (r, i) => members.findIndex((o) => o.plural === r.plural && o.group === r.group) === i
  )
}
