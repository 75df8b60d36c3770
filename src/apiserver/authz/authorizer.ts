import { StatusError, statusErrors } from '../../base/status.js'
import type { User } from '../user.js'

/** What someone wants to do: with a resource, or (with `path` set) at a path that is none. */
export interface Attributes {
  readonly user: User
  /** `get`, `list`, … for resources; the lower-case method for paths. */
  readonly verb: string
  readonly group?: string | undefined
  readonly resource?: string | undefined
  readonly subresource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly path?: string | undefined
}

export interface Decision {
  readonly allowed: boolean
  readonly reason?: string
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision
}

/** The 403 with upstream's words (apiserver responsewriters.Forbidden). */
export function forbiddenError(attributes: Attributes, { reason }: Decision): StatusError {
  const { user, verb, path, group = '', resource = '', subresource, namespace, name = '' } = attributes
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`
  const suffix = reason ? `: ${reason}` : ''
  if (path !== undefined) {
    const { status } = statusErrors.forbidden({ group: '', plural: '' }, '', '')
    const message = `forbidden: ${who} path ${JSON.stringify(path)}${suffix}`
    return new StatusError({ ...status, message, details: {} })
  }
  const whole = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? ` in the namespace ${JSON.stringify(namespace)}` : ' at the cluster scope'
  const what = `resource ${JSON.stringify(whole)} in API group ${JSON.stringify(group)}`
  return statusErrors.forbidden({ group, plural: resource }, name, `${who} ${what}${where}${suffix}`)
}
