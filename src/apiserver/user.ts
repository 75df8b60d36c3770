/** Who makes a request (authentication.k8s.io UserInfo). */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export const groupMasters = 'system:masters'
export const groupAuthenticated = 'system:authenticated'
export const groupUnauthenticated = 'system:unauthenticated'
export const serviceAccountPrefix = 'system:serviceaccount:'

/** A request without credentials. */
export const anonymousUser: User = { name: 'system:anonymous', groups: [groupUnauthenticated] }

/** A part of mk itself, which may do anything. `component` is like `deployment-controller`. */
export function componentUser(component: string): User {
  return { name: `system:${component}`, groups: [groupMasters, groupAuthenticated] }
}

export function serviceAccountUser(namespace: string, name: string, uid: string, extra = {}): User {
  return {
    name: `${serviceAccountPrefix}${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, groupAuthenticated],
    extra
  }
}

/** The user as reviews show it (authentication/v1 UserInfo). */
export function userInfoOf(user: User): Record<string, unknown> {
  return {
    username: user.name,
    ...(user.uid ? { uid: user.uid } : {}),
    groups: [...user.groups],
    ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {})
  }
}
