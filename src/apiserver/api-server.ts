import type { Kind } from '../api/kind.js'
import { parseGroupVersion } from '../api/kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { KubeObject } from '../base/object.js'
import { isReason } from '../base/status.js'
import type { Transport } from '../client/transport.js'
import type { Store } from '../store/store.js'
import { Admission } from './admission/admission.js'
import { createObjectReader } from './admission/reader.js'
import { admissionPlugins } from './admission/registry.js'
import { createTokenAuthenticator } from './authn/authenticator.js'
import type { Authorizer } from './authz/authorizer.js'
import { simpleAuthorizer } from './authz/simple-authorizer.js'
import { bootstrapObjects } from './bootstrap.js'
import type { BootstrapOptions } from './bootstrap.js'
import type { ConnectHandlers } from './connect.js'
import type { Core } from './core.js'
import { equalJson } from './json.js'
import type { HealthCheck } from './http/health.js'
import { startHttpServer } from './http/http-server.js'
import type { HttpServer, ListenAddress } from './http/http-server.js'
import type { OpenApiDocuments } from './http/openapi.js'
import { createRequestHandler } from './http/request-handler.js'
import type { ClusterPki } from './pki/pki.js'
import { createResources } from './resources.js'
import { selfSubjectAccessReview } from './reviews/self-subject-access-review.js'
import { selfSubjectReview } from './reviews/self-subject-review.js'
import { tokenReview } from './reviews/token-review.js'
import type { Schemas } from './schemas.js'
import { binding } from './subresources/binding.js'
import { finalize } from './subresources/finalize.js'
import { scale } from './subresources/scale.js'
import { token } from './subresources/token.js'
import { componentUser } from './user.js'
import type { User } from './user.js'

export interface ApiServerOptions {
  store: Store
  kinds: readonly Kind[]
  schemas: Schemas
  openApi: OpenApiDocuments
  pki: ClusterPki
  clock: Clock
  logger: Logger
  /** IPv4 range of Services, `10.96.0.0/16`. */
  serviceCidr: string
  /** Exec, attach, port-forward and logs of pods; without, they answer 503. */
  connect?: ConnectHandlers
  /** Default: only administrators may do anything but ask about themselves. */
  authorizer?: Authorizer
  /** Behind `/readyz`, `/livez` and `/healthz`. */
  healthChecks?: readonly HealthCheck[]
}

export interface ApiServer {
  /** The API in-process as this user, with all that clients get except authorization. */
  transport(user: User): Transport
  /** Makes what every cluster has and is missing; the address may change from start to start. */
  bootstrap(options: Omit<BootstrapOptions, 'serviceCidr'>): Promise<void>
  /** Serves HTTPS at one more address. Throws MK_PORT_IN_USE. */
  listen(address: ListenAddress): Promise<{ port: number }>
  /** Adds names to the server's certificate, and presents it to new connections. */
  addServerNames(names: { hostnames?: readonly string[]; addresses?: readonly string[] }): Promise<void>
  /** Ends all requests, watches and streams. */
  close(): Promise<void>
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, kinds, pki, clock, logger, serviceCidr, authorizer = simpleAuthorizer } = options
  const reader = createObjectReader(store, kinds)
  const tokens = createTokenAuthenticator({ pki, reader, clock })
  const core: Core = {
    store,
    kinds,
    schemas: options.schemas,
    admission: new Admission(admissionPlugins({ reader, serviceCidr })),
    subresources: new Map([
      ['binding', binding],
      ['finalize', finalize],
      ['scale', scale],
      ['token', token({ pki, reader })]
    ]),
    reviews: [selfSubjectReview, selfSubjectAccessReview(authorizer), tokenReview(tokens)],
    clock,
    logger
  }
  const resources = createResources(core)
  const handler = createRequestHandler({
    core,
    authorizer,
    tokens,
    connect: options.connect,
    openApi: options.openApi,
    healthChecks: options.healthChecks ?? []
  })
  const servers: HttpServer[] = []
  return {
    transport: (user) => resources.as(user),
    bootstrap: (address) =>
      bootstrap(resources.as(componentUser('apiserver')), kinds, { ...address, serviceCidr }),
    listen: async (address) => {
      const server = await startHttpServer({ pki, ...handler }, address)
      servers.push(server)
      return { port: server.port }
    },
    addServerNames: async (names) => {
      if (await pki.ensureServerNames(names))
        servers.forEach((server) => {
          server.reloadCertificate()
        })
    },
    close: async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()))
    }
  }
}

async function bootstrap(
  transport: Transport,
  kinds: readonly Kind[],
  options: BootstrapOptions
): Promise<void> {
  for (const object of bootstrapObjects(options)) {
    const { group, version } = parseGroupVersion(object.apiVersion ?? '')
    const kind = kinds.find(
      (one) => one.group === group && one.version === version && one.kind === object.kind
    )
    if (!kind) continue
    const { namespace, name } = object.metadata
    try {
      await transport.create({ kind, namespace }, object)
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error
      if (namespace !== undefined) await refresh(transport, { kind, namespace, name }, object as KubeObject)
    }
  }
}

/** The API server's own address may differ from what it was. */
async function refresh(
  transport: Transport,
  request: { kind: Kind; namespace: string; name: string | undefined },
  wanted: KubeObject
): Promise<void> {
  const { metadata: _metadata, spec, ...rest } = wanted as KubeObject & { spec?: { ports?: unknown } }
  const patch = { ...rest, ...(spec ? { spec: { ports: spec.ports } } : {}) }
  const current = await transport.get(request)
  const same = Object.entries(patch).every(([key, value]) => equalJson(value, (current as never)[key]))
  if (!same) await transport.patch(request, 'merge', patch)
}
