import type { Kind } from '../../api/kind.js'
import type { Pod } from '../../api/types.js'
import { statusErrors } from '../../base/status.js'
import type { ResourceRequest } from '../../client/transport.js'
import type { LogStream } from '../../runtime/runtime.js'
import { forbiddenError } from '../authz/authorizer.js'
import type { Authorizer } from '../authz/authorizer.js'
import type { ConnectHandlers } from '../connect.js'
import type { Core, Scope } from '../core.js'
import { dispatchCreate, dispatchGet, dispatchPatch, dispatchUpdate } from '../dispatch.js'
import type { Entity } from '../entity.js'
import { listMetaOf } from '../resources.js'
import { deleteCollection } from '../verbs/delete-collection.js'
import { deletedStatus, deleteEntity } from '../verbs/delete.js'
import { getEntity } from '../verbs/get.js'
import { listEntities } from '../verbs/list.js'
import type { EntityList } from '../verbs/list.js'
import { decodeBody, decodePatch } from './body.js'
import { begin, flushHead, send, sendJson, sendPathNotFound, sendStatus } from './exchange.js'
import type { Exchange } from './exchange.js'
import { sendList } from './list-response.js'
import { negotiate } from './negotiation.js'
import type { Representation } from './negotiation.js'
import { deleteOptions, flag, listOptions, writeOptions } from './query.js'
import type { ResourceInfo } from './request-info.js'
import { includeObjectOf, partialOf, tableOf } from './table.js'
import { serveWatch } from './watch-response.js'

export interface ResourceHandlerOptions {
  core: Core
  authorizer: Authorizer
  connect: ConnectHandlers | undefined
}

/** What a method at a path asks for, in the words of authorization. */
export type RequestVerb =
  'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

export const connectSubresources = ['exec', 'attach', 'portforward', 'log'] as const

/** Undefined for methods that resources do not know. */
export function verbOf(method: string, info: ResourceInfo, query: URLSearchParams): RequestVerb | undefined {
  const named = info.name !== undefined
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (info.subresource === undefined && (info.watchPrefix || flag(query, 'watch') === true))
        return 'watch'
      return named ? 'get' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return named ? 'delete' : 'deletecollection'
    default:
      return undefined
  }
}

/** Serves a request for a resource: authorization, then the verb. */
export async function handleResource(
  options: ResourceHandlerOptions,
  exchange: Exchange,
  info: ResourceInfo
): Promise<void> {
  const { core, authorizer } = options
  const verb = verbOf(exchange.method, info, exchange.query)
  if (!verb) throw statusErrors.methodNotAllowed()
  authorize(authorizer, exchange, info, verb)
  const kind = kindAt(core, info)
  if (!kind) {
    await sendPathNotFound(exchange)
    return
  }
  const { namespace, name, subresource } = info
  const target: ResourceRequest = { kind, namespace, name, subresource }
  requireServed(kind, target, verb)
  await new ResourceExchange(options, exchange, target).serve(verb)
}

export function authorize(
  authorizer: Authorizer,
  { user }: Pick<Exchange, 'user'>,
  info: ResourceInfo,
  verb: RequestVerb
): void {
  const { group, plural, subresource, namespace, name } = info
  const attributes = { user, verb, group, resource: plural, subresource, namespace, name }
  const decision = authorizer.authorize(attributes)
  if (!decision.allowed) throw forbiddenError(attributes, decision)
}

/** The kind that is served at the path, if any. */
export function kindAt(core: Core, info: ResourceInfo): Kind | undefined {
  const kind = core.kinds.find(
    (one) => one.group === info.group && one.version === info.version && one.plural === info.plural
  )
  if (!kind || (info.namespace !== undefined && !kind.namespaced)) return undefined
  if (info.subresource === undefined) return kind
  return kind.subresources.some((sub) => sub.name === info.subresource) ? kind : undefined
}

function requireServed(kind: Kind, target: ResourceRequest, verb: RequestVerb): void {
  const { namespace, name, subresource } = target
  if (subresource !== undefined) {
    const declared = kind.subresources.find((one) => one.name === subresource)
    const verbs: readonly string[] = declared?.verbs ?? []
    if (!verbs.includes(verb)) throw statusErrors.methodNotAllowed()
    return
  }
  const named = name !== undefined
  const needsName = verb === 'update' || verb === 'patch'
  // Across namespaces there is only reading.
  const acrossNamespaces = kind.namespaced && namespace === undefined && verb !== 'list' && verb !== 'watch'
  const misplaced = (verb === 'create' && named) || (needsName && !named) || acrossNamespaces
  if (misplaced || !kind.verbs.includes(verb)) throw statusErrors.methodNotAllowed()
}

class ResourceExchange {
  readonly #options: ResourceHandlerOptions
  readonly #core: Core
  readonly #exchange: Exchange
  readonly #target: ResourceRequest

  constructor(options: ResourceHandlerOptions, exchange: Exchange, target: ResourceRequest) {
    this.#options = options
    this.#core = options.core
    this.#exchange = exchange
    this.#target = target
  }

  async serve(verb: RequestVerb): Promise<void> {
    const { query, headers } = this.#exchange
    const { subresource, kind } = this.#target
    if (subresource !== undefined && (connectSubresources as readonly string[]).includes(subresource)) {
      return this.#connect(subresource)
    }
    const representation = negotiate(headers.accept, {
      tables: kind.virtual !== true && subresource === undefined
    })
    switch (verb) {
      case 'get':
        return this.#sendEntity(200, this.#get(), representation)
      case 'list':
        return this.#sendEntities(listEntities(this.#core, this.#target, listOptions(query)), representation)
      case 'watch': {
        const include = includeObjectOf(query)
        serveWatch(this.#core, this.#exchange, this.#target, listOptions(query), { representation, include })
        return
      }
      case 'create':
        return this.#sendEntity(201, await this.#create(), representation)
      case 'update':
        return this.#sendEntity(200, await this.#update(), representation)
      case 'patch': {
        const { entity, created } = await this.#patch()
        return this.#sendEntity(created ? 201 : 200, entity, representation)
      }
      case 'delete':
        return this.#delete(representation)
      case 'deletecollection':
        return this.#deleteCollection(representation)
    }
  }

  #get(): Entity {
    return dispatchGet(this.#core, this.#target, this.#exchange.query.get('resourceVersion') ?? undefined)
  }

  #create(): Promise<Entity> {
    const options = writeOptions(this.#exchange.query, 'CreateOptions')
    const { value, scope } = this.#read()
    return dispatchCreate(this.#core, scope, this.#target, value, options)
  }

  #update(): Promise<Entity> {
    const options = writeOptions(this.#exchange.query, 'UpdateOptions')
    const { value, scope } = this.#read()
    return dispatchUpdate(this.#core, scope, this.#target, value, options)
  }

  #patch() {
    const { query, body, headers } = this.#exchange
    const options = writeOptions(query, 'PatchOptions')
    const { type, value, duplicates } = decodePatch(body, headers['content-type'])
    return dispatchPatch(this.#core, this.#scope(duplicates), this.#target, { type, body: value }, options)
  }

  async #delete(representation: Representation): Promise<void> {
    const { query } = this.#exchange
    const options = deleteOptions(query, this.#deleteBody())
    const { entity, done } = await deleteEntity(this.#core, this.#scope(), this.#target, options)
    if (done) return sendStatus(this.#exchange, deletedStatus(this.#target.kind, entity.object))
    return this.#sendEntity(200, entity, representation)
  }

  async #deleteCollection(representation: Representation): Promise<void> {
    const { query } = this.#exchange
    const options = deleteOptions(query, this.#deleteBody())
    const list = await deleteCollection(this.#core, this.#scope(), this.#target, listOptions(query), options)
    return this.#sendEntities(list, representation)
  }

  #deleteBody(): unknown {
    return this.#exchange.body.length === 0 ? undefined : this.#read().value
  }

  #read(): { value: unknown; scope: Scope } {
    const { body, headers } = this.#exchange
    const { value, duplicates } = decodeBody(this.#core.schemas, body, headers['content-type'])
    return { value, scope: this.#scope(duplicates) }
  }

  #scope(duplicates: readonly string[] = []): Scope {
    const { user, warnings, headers } = this.#exchange
    const agent = (headers['user-agent'] ?? '').split('/')[0] ?? ''
    return {
      user,
      manager: agent.slice(0, 128) || 'unknown',
      warn: (text) => void warnings.push(text),
      duplicates
    }
  }

  #sendEntity(code: number, entity: Entity, representation: Representation): Promise<void> {
    const { as, version } = representation
    if (as === 'object') return send(this.#exchange, code, entity.bytes)
    const { object } = entity
    if (as === 'partial') return sendJson(this.#exchange, code, partialOf(object, version))
    const { resourceVersion } = object.metadata
    return sendJson(this.#exchange, code, tableOf([object], { resourceVersion }, this.#tableOptions(version)))
  }

  #sendEntities(list: EntityList, { as, version }: Representation): Promise<void> {
    const { kind } = this.#target
    if (as === 'object') return sendList(this.#exchange, kind, list)
    const objects = list.entities.map((entity) => entity.object)
    const metadata = listMetaOf(list)
    if (as === 'table') {
      return sendJson(this.#exchange, 200, tableOf(objects, metadata, this.#tableOptions(version)))
    }
    return sendJson(this.#exchange, 200, {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
      items: objects.map((object) => partialOf(object, version))
    })
  }

  #tableOptions(version: Representation['version']) {
    const include = includeObjectOf(this.#exchange.query)
    return { kind: this.#target.kind, version, include, now: this.#core.clock.now(), headers: true }
  }

  /** Streams arrive as upgrades, which the server hands over elsewhere; what comes here has none. */
  async #connect(subresource: string): Promise<void> {
    const { connect } = this.#options
    if (!connect) throw statusErrors.unavailable(`${subresource} is not available on this server`)
    if (subresource !== 'log') {
      throw statusErrors.badRequest('Upgrade request required')
    }
    const pod = getEntity(this.#core, this.#target).object as Pod
    pipeLog(this.#exchange, await connect.log(pod, this.#exchange.query))
  }
}

function pipeLog(exchange: Exchange, log: LogStream): void {
  const { response } = exchange
  begin(exchange, 200, 'text/plain')
  flushHead(exchange)
  response.once('close', () => {
    log.close()
  })
  log.output.on('error', () => response.destroy())
  log.output.pipe(response)
}
