import { groupAuthenticated, groupMasters } from '../user.js'
import type { Attributes, Authorizer } from './authorizer.js'

const publicPaths = ['/version', '/version/', '/healthz', '/livez', '/readyz']
const discoveryPaths = ['/api', '/apis', '/openapi', '/.well-known', '/openid']

/**
 * Authorization until roles are served: `system:masters` (the administrator's certificate and token, and mk's own
 * parts) may do everything; anyone else who is known may ask about himself and read discovery, like
 * `system:discovery` and `system:basic-user` allow upstream; anyone at all may read health and version.
 */
export const simpleAuthorizer: Authorizer = {
  authorize: (attributes) => ({ allowed: isAllowed(attributes) })
}

function isAllowed({ user, verb, path, group, resource }: Attributes): boolean {
  if (user.groups.includes(groupMasters)) return true
  const reading = verb === 'get' || verb === 'head'
  if (path !== undefined && reading && isUnder(publicPaths, path)) return true
  if (!user.groups.includes(groupAuthenticated)) return false
  if (path !== undefined) return reading && isUnder(discoveryPaths, path)
  if (verb !== 'create') return false
  if (group === 'authentication.k8s.io') return resource === 'selfsubjectreviews'
  if (group !== 'authorization.k8s.io') return false
  return resource === 'selfsubjectaccessreviews' || resource === 'selfsubjectrulesreviews'
}

const isUnder = (roots: readonly string[], path: string): boolean =>
  roots.some((root) => path === root || path.startsWith(`${root}/`))
