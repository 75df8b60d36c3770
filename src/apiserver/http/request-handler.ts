import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Pod } from '../../api/types.js'
import { statusErrors } from '../../base/status.js'
import type { TokenAuthenticator } from '../authn/authenticator.js'
import { forbiddenError } from '../authz/authorizer.js'
import type { Authorizer } from '../authz/authorizer.js'
import type { ConnectHandlers, ConnectRequest } from '../connect.js'
import type { Core } from '../core.js'
import { toStatusError } from '../resources.js'
import { refuseUpgrade } from '../streams/upgrade.js'
import { getEntity } from '../verbs/get.js'
import { createRequestAuthenticator } from './authenticate.js'
import { createDiscovery } from './discovery.js'
import { send, sendError, sendJson, sendPathNotFound } from './exchange.js'
import type { Exchange } from './exchange.js'
import { serveHealth } from './health.js'
import type { HealthCheck } from './health.js'
import { tlsSocketOf } from './http-server.js'
import type { HttpServerOptions } from './http-server.js'
import { RequestMetrics } from './metrics.js'
import { serveOpenApi } from './openapi.js'
import type { OpenApiDocuments } from './openapi.js'
import { flag } from './query.js'
import { parseRequest } from './request-info.js'
import type { RequestInfo } from './request-info.js'
import { authorize, connectSubresources, handleResource, kindAt, verbOf } from './resource-handler.js'
import { versionInfo } from './version.js'

// Requests that run at once, watches and streams apart (kube-apiserver: 400 and 200, and queues before them).
const mostReading = 2000
const mostWriting = 1000

export interface RequestHandlerOptions {
  core: Core
  authorizer: Authorizer
  tokens: TokenAuthenticator
  connect: ConnectHandlers | undefined
  openApi: OpenApiDocuments
  healthChecks: readonly HealthCheck[]
}

/** From a request to its answer: who asks, what for, whether he may, and who serves it. */
export function createRequestHandler(
  options: RequestHandlerOptions
): Pick<HttpServerOptions, 'onRequest' | 'onUpgrade'> {
  const { core, authorizer, connect, healthChecks } = options
  const userOf = createRequestAuthenticator(options.tokens)
  const discovery = createDiscovery(core.kinds)
  const metrics = new RequestMetrics()
  const limits = { reading: 0, writing: 0 }

  async function servePath(exchange: Exchange): Promise<void> {
    const { path, method, user } = exchange
    const attributes = { user, verb: method.toLowerCase(), path }
    const decision = authorizer.authorize(attributes)
    if (!decision.allowed) throw forbiddenError(attributes, decision)
    if (await serveHealth(exchange, healthChecks)) return
    if (await discovery.serve(exchange)) return
    if (await serveOpenApi(exchange, options.openApi, core.clock.now())) return
    if (path === '/version' || path === '/version/') return sendJson(exchange, 200, versionInfo())
    if (path === '/metrics') {
      return send(
        exchange,
        200,
        metrics.text(core.store.revision),
        'text/plain; version=0.0.4; charset=utf-8'
      )
    }
    if (path === '/') return sendJson(exchange, 200, { paths: rootPaths(core) })
    return sendPathNotFound(exchange)
  }

  function serve(exchange: Exchange, info: RequestInfo): Promise<void> {
    if (!info.resource) return servePath(exchange)
    return handleResource({ core, authorizer, connect }, exchange, info.resource)
  }

  async function limited(exchange: Exchange, info: RequestInfo): Promise<void> {
    if (isLongRunning(exchange, info)) return serve(exchange, info)
    const class_ = exchange.method === 'GET' || exchange.method === 'HEAD' ? 'reading' : 'writing'
    if (limits[class_] >= (class_ === 'reading' ? mostReading : mostWriting)) {
      throw statusErrors.tooManyRequests('Too many requests, please try again later.', 1)
    }
    limits[class_]++
    try {
      await serve(exchange, info)
    } finally {
      limits[class_]--
    }
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'https://localhost')
    const user = userOf(request.headers, request.socket as TLSSocket)
    const info = parseRequest(request.method ?? 'GET', url.pathname)?.resource
    const subresource = connectSubresources.find((one) => one === info?.subresource)
    const verb = info && verbOf(request.method ?? 'GET', info, url.searchParams)
    if (!info || !verb || !subresource) throw statusErrors.badRequest('this path cannot be upgraded')
    authorize(authorizer, { user }, info, verb)
    const kind = kindAt(core, info)
    if (!kind || !connect)
      throw statusErrors.notFound({ group: info.group, plural: info.plural }, info.name ?? '')
    const { namespace, name } = info
    const pod = getEntity(core, { kind, namespace, name }).object as Pod
    const handed: ConnectRequest = { subresource, pod, query: url.searchParams, request, socket, head }
    connect.upgrade(handed)
  }

  return {
    onRequest: async (partial) => {
      const warnings: string[] = []
      let exchange: Exchange | undefined
      metrics.begin()
      const info = parseRequest(partial.method, partial.path)
      try {
        const user = userOf(partial.headers, tlsSocketOf(partial.request))
        exchange = { ...partial, user, warnings }
        if (!info) throw statusErrors.badRequest(`the path ${partial.path} cannot be decoded`)
        await limited(exchange, info)
      } catch (error) {
        const failure = toStatusError(error)
        if (failure.code === 500) core.logger.error('a request failed', { path: partial.path, error })
        if (!exchange) throw failure
        await sendError(exchange, failure)
      } finally {
        const { method, response } = partial
        const kind = info?.resource && kindAt(core, info.resource)
        metrics.end({ verb: method, resource: kind?.plural ?? '', code: response.statusCode })
      }
    },
    onUpgrade: (request, socket, head) => {
      socket.on('error', () => {})
      try {
        upgrade(request, socket, head)
      } catch (error) {
        refuseUpgrade(socket, toStatusError(error))
      }
    }
  }
}

/** Watches and log streams are not counted: they stay. */
function isLongRunning({ query }: Exchange, { resource }: RequestInfo): boolean {
  if (!resource) return false
  return resource.watchPrefix || flag(query, 'watch') === true || resource.subresource === 'log'
}

function rootPaths({ kinds }: Core): string[] {
  const groups = [
    ...new Set(kinds.filter((kind) => kind.group).map((kind) => `/apis/${kind.group}/${kind.version}`))
  ]
  return [
    '/api',
    '/api/v1',
    '/apis',
    ...groups.sort(),
    '/healthz',
    '/livez',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/readyz',
    '/version'
  ]
}
