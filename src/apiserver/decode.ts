import type { Kind } from '../api/kind.js'
import { groupVersionOf } from '../api/kind.js'
import type { KubeObject } from '../base/object.js'
import { statusErrors } from '../base/status.js'
import type { ResourceRequest, WriteOptions } from '../client/transport.js'
import type { Core, Scope } from './core.js'
import { cloneJson, isObject } from './json.js'

/** Said when a body cannot be read as the kind (apiserver transformDecodeError). */
function cannotHandle(kind: Kind, why: string, given = kind.kind): Error {
  return statusErrors.badRequest(
    `${given} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}: ${why}`
  )
}

/**
 * The body as an object of the kind: a private copy, of the right types, without members that the kind does not
 * declare. Those and duplicates are an error, a warning or nothing, as fieldValidation says (default: a warning).
 */
export function decodeObject(
  core: Core,
  scope: Scope,
  kind: Kind,
  body: unknown,
  validation: WriteOptions['fieldValidation']
): KubeObject {
  const object = typedCopy(kind, body)
  const problems = core.schemas.typeErrors(kind, object)
  if (problems.length > 0) throw cannotHandle(kind, problems.join(', '))
  const strict = strictProblems(core, scope, kind, object)
  if (strict.length > 0 && validation === 'Strict') {
    throw cannotHandle(kind, `strict decoding error: ${strict.join(', ')}`)
  }
  if (validation !== 'Ignore') strict.forEach(scope.warn)
  return object
}

/** `unknown field "spec.foo"`, `duplicate field "spec.replicas"`; the unknown ones are removed. */
export function strictProblems(core: Core, scope: Scope, kind: Kind, object: KubeObject): string[] {
  return [
    ...core.schemas.prune(kind, object).map((path) => `unknown field ${JSON.stringify(path)}`),
    ...(scope.duplicates ?? []).map((path) => `duplicate field ${JSON.stringify(path)}`)
  ]
}

function typedCopy(kind: Kind, body: unknown): KubeObject {
  if (!isObject(body)) {
    const what =
      body === null || body === undefined ? 'nothing' : Array.isArray(body) ? 'an array' : typeof body
    throw statusErrors.badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): expected a JSON object, found ${what}`
    )
  }
  const expected = groupVersionOf(kind)
  const { apiVersion, kind: given } = body
  if (given !== undefined && given !== '' && given !== kind.kind) {
    const named = typeof given === 'string' ? given : JSON.stringify(given)
    throw cannotHandle(kind, `the body is a ${named} of ${JSON.stringify(apiVersion ?? expected)}`, named)
  }
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== expected) {
    const version = typeof apiVersion === 'string' ? apiVersion : JSON.stringify(apiVersion)
    throw statusErrors.badRequest(
      `the API version in the data (${version}) does not match the expected API version (${expected})`
    )
  }
  const metadata = body['metadata'] ?? {}
  if (!isObject(metadata))
    throw cannotHandle(kind, 'json: cannot unmarshal metadata into Go struct field of type v1.ObjectMeta')
  const copy = cloneJson({ ...body, metadata })
  return { ...copy, kind: kind.kind, apiVersion: expected } as unknown as KubeObject
}

/** Puts the request's namespace into the object, and refuses another one. */
export function settleNamespace(target: ResourceRequest, object: KubeObject): void {
  const { kind, namespace } = target
  const given = object.metadata.namespace
  if (!kind.namespaced) {
    delete object.metadata.namespace
    return
  }
  if (!namespace) throw statusErrors.badRequest('an empty namespace may not be set during creation')
  if (given && given !== namespace) {
    throw statusErrors.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request'
    )
  }
  object.metadata.namespace = namespace
}
