import type { Node, Pod, Secret, ServiceAccount } from '../../api/types.js'
import type { Clock } from '../../base/clock.js'
import type { KubeObject } from '../../base/object.js'
import type { ObjectReader } from '../admission/reader.js'
import type { ClusterPki } from '../pki/pki.js'
import { groupAuthenticated, groupMasters, serviceAccountUser } from '../user.js'
import type { User } from '../user.js'
import { sameSecret, verifyToken } from './tokens.js'
import type { TokenClaims } from './tokens.js'

export const tokenIssuer = 'https://kubernetes.default.svc.cluster.local'
/** Audiences of the API server itself. */
export const apiAudiences: readonly string[] = [tokenIssuer]

export interface TokenAuthenticator {
  /** Whose token it is, if it is good for one of the audiences (default: the API server's). */
  authenticate(token: string, audiences?: readonly string[]): { user: User; audiences: string[] } | undefined
}

/** The administrator's token and service account tokens, which die with the account and what they are bound to. */
export function createTokenAuthenticator(options: {
  pki: ClusterPki
  reader: ObjectReader
  clock: Clock
}): TokenAuthenticator {
  const { pki, reader, clock } = options
  const admin: User = { name: 'kubernetes-admin', groups: [groupMasters, groupAuthenticated] }
  return {
    authenticate: (token, audiences = apiAudiences) => {
      if (sameSecret(token, pki.adminToken)) {
        return { user: admin, audiences: audiences.filter((one) => apiAudiences.includes(one)) }
      }
      const claims = verifyToken(pki.tokenKey, token, clock)
      const common = claims?.aud.filter((one) => audiences.includes(one)) ?? []
      if (!claims || common.length === 0 || !isAlive(reader, claims)) return undefined
      return { user: userOf(claims), audiences: common }
    }
  }
}

function userOf(claims: TokenClaims): User {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io']
  const extra = {
    'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
    ...(pod
      ? {
          'authentication.kubernetes.io/pod-name': [pod.name],
          'authentication.kubernetes.io/pod-uid': [pod.uid]
        }
      : {}),
    ...(node
      ? {
          'authentication.kubernetes.io/node-name': [node.name],
          'authentication.kubernetes.io/node-uid': [node.uid]
        }
      : {})
  }
  return serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid, extra)
}

function isAlive(reader: ObjectReader, claims: TokenClaims): boolean {
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io']
  const is = (object: KubeObject | undefined, wanted: { uid: string }) => object?.metadata.uid === wanted.uid
  const core = (kind: string) => ({ group: '', kind })
  return (
    is(reader.get<ServiceAccount>(core('ServiceAccount'), namespace, serviceaccount.name), serviceaccount) &&
    (!pod || is(reader.get<Pod>(core('Pod'), namespace, pod.name), pod)) &&
    (!secret || is(reader.get<Secret>(core('Secret'), namespace, secret.name), secret)) &&
    // A token of a pod also names its node; only one bound to the node alone ends with it.
    (!node || pod !== undefined || is(reader.get<Node>(core('Node'), undefined, node.name), node))
  )
}
