import type { Node, Pod, Secret, ServiceAccount, TokenRequestSpec } from '../../api/types.js'
import { fieldErrors } from '../../api/validation/field-errors.js'
import { toTime } from '../../base/clock.js'
import type { KubeObject } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { ResourceRequest } from '../../client/transport.js'
import type { ObjectReader } from '../admission/reader.js'
import { apiAudiences, tokenIssuer } from '../authn/authenticator.js'
import { signToken } from '../authn/tokens.js'
import type { TokenClaims } from '../authn/tokens.js'
import { Entity } from '../entity.js'
import { isObject } from '../json.js'
import type { ClusterPki } from '../pki/pki.js'
import { getEntity } from '../verbs/get.js'
import type { SubresourceHandler } from '../core.js'

const shortestSeconds = 600
const longestSeconds = 2 ** 32
const defaultSeconds = 3600
const requestKind = { group: 'authentication.k8s.io', kind: 'TokenRequest' }

type Bound = Pick<TokenClaims['kubernetes.io'], 'pod' | 'secret' | 'node'>

/** `serviceaccounts/token`: a token for some time and audience, bound to an object if asked (TokenRequest). */
export function token(options: { pki: ClusterPki; reader: ObjectReader }): SubresourceHandler {
  const { pki, reader } = options
  return {
    create: async (core, _scope, target, body, { dryRun }) => {
      const account = getEntity(core, { ...target, subresource: undefined }).object as ServiceAccount
      const request = readRequest(target, body)
      const { audiences, expirationSeconds, bound } = request
      const now = Math.floor(core.clock.now().getTime() / 1000)
      const { name, namespace = '', uid } = account.metadata
      const claims = {
        iss: tokenIssuer,
        sub: `system:serviceaccount:${namespace}:${name}`,
        aud: audiences,
        exp: now + expirationSeconds,
        iat: now,
        nbf: now,
        'kubernetes.io': { namespace, serviceaccount: { name, uid }, ...boundClaims(reader, target, bound) }
      }
      const answer = {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace, creationTimestamp: toTime(core.clock.now()) },
        spec: { audiences, expirationSeconds, boundObjectRef: bound ?? null },
        status: {
          token: dryRun ? '' : signToken(pki.tokenKey, claims),
          expirationTimestamp: toTime(new Date(claims.exp * 1000))
        }
      }
      return Promise.resolve(new Entity(Buffer.from(JSON.stringify(answer)), answer as unknown as KubeObject))
    }
  }
}

interface Request {
  audiences: string[]
  expirationSeconds: number
  bound: TokenRequestSpec['boundObjectRef']
}

function readRequest({ name = '' }: ResourceRequest, body: unknown): Request {
  const spec =
    isObject(body) && isObject(body['spec']) ? (body['spec'] as unknown as TokenRequestSpec) : undefined
  const expirationSeconds = spec?.expirationSeconds ?? defaultSeconds
  const audiences: unknown = spec?.audiences ?? []
  if (
    !Array.isArray(audiences) ||
    audiences.some((one) => typeof one !== 'string') ||
    !Number.isInteger(expirationSeconds)
  ) {
    throw statusErrors.badRequest(
      'TokenRequest in version "v1" cannot be handled as a TokenRequest: spec.audiences must be a list of strings and ' +
        'spec.expirationSeconds an integer'
    )
  }
  const field = 'spec.expirationSeconds'
  if (expirationSeconds < shortestSeconds) {
    const why = 'may not specify a duration less than 10 minutes'
    throw statusErrors.invalid(requestKind, name, [fieldErrors.invalid(field, expirationSeconds, why)])
  }
  if (expirationSeconds > longestSeconds) {
    const why = 'may not specify a duration larger than 2^32 seconds'
    throw statusErrors.invalid(requestKind, name, [fieldErrors.invalid(field, expirationSeconds, why)])
  }
  return {
    audiences: audiences.length > 0 ? (audiences as string[]) : [...apiAudiences],
    expirationSeconds,
    bound: spec?.boundObjectRef
  }
}

/** The token ends with the object that it is bound to, which must be there and be meant. */
function boundClaims(reader: ObjectReader, target: ResourceRequest, bound: Request['bound']): Bound {
  if (!bound) return {}
  const { kind = '', name = '', uid } = bound
  const found = lookUp(reader, target.namespace, kind, name)
  if (!found) throw statusErrors.notFound({ group: '', plural: `${kind.toLowerCase()}s` }, name)
  if (uid && uid !== found.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw statusErrors.conflict({ group: '', plural: `${kind.toLowerCase()}s` }, name, why)
  }
  const reference = { name, uid: found.metadata.uid }
  if (kind === 'Secret') return { secret: reference }
  if (kind === 'Node') return { node: reference }
  requireOwnAccount(target, found as Pod)
  const nodeName = (found as Pod).spec.nodeName
  const node = nodeName ? reader.get<Node>({ group: '', kind: 'Node' }, undefined, nodeName) : undefined
  return { pod: reference, ...(node ? { node: { name: node.metadata.name, uid: node.metadata.uid } } : {}) }
}

function lookUp(
  reader: ObjectReader,
  namespace: string | undefined,
  kind: string,
  name: string
): KubeObject | undefined {
  switch (kind) {
    case 'Pod':
      return reader.get<Pod>({ group: '', kind }, namespace, name)
    case 'Secret':
      return reader.get<Secret>({ group: '', kind }, namespace, name)
    case 'Node':
      return reader.get<Node>({ group: '', kind }, undefined, name)
    default:
      throw statusErrors.badRequest(`cannot bind token for serviceaccount to object of type ${kind}`)
  }
}

function requireOwnAccount({ kind, name = '' }: ResourceRequest, pod: Pod): void {
  const account = pod.spec.serviceAccountName ?? 'default'
  if (account === name) return
  throw statusErrors.badRequest(
    `cannot bind token for serviceaccount ${JSON.stringify(`${kind.namespaced ? (pod.metadata.namespace ?? '') : ''}/${name}`)} to pod running with different serviceaccount name.`
  )
}
