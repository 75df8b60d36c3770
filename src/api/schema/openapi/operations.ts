import { groupVersionOf, type Kind, type Subresource } from '../../kind.js'
import { wellKnown } from '../definition.js'
import {
  connectParameters,
  deleteParameters,
  listParameters,
  patchParameters,
  writeParameters,
  type Parameter
} from './parameters.js'

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch'

/** One operation, in words that both OpenAPI versions can be written from. */
export interface Operation {
  method: Method
  /** x-kubernetes-action */
  action: string
  id: string
  description: string
  tag: string
  groupVersionKind: { group: string; version: string; kind: string }
  parameters: readonly Parameter[]
  /** Definition of the body. */
  body?: string
  bodyOptional?: boolean
  /** Definition of the answer; connect operations answer with text or a stream. */
  response?: string
  created?: boolean
}

export interface Path {
  path: string
  /** Names of the path's variables. */
  variables: readonly string[]
  operations: readonly Operation[]
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** `api/v1`, `apis/apps/v1`: what names a document of OpenAPI v3. */
export const documentOf = (kind: { group: string; version: string }): string =>
  `${kind.group ? 'apis' : 'api'}/${groupVersionOf(kind)}`

/** All paths of a kind. */
export function pathsOf(kind: Kind): Path[] {
  const base = `/${documentOf(kind)}`
  const scope = kind.namespaced ? `${base}/namespaces/{namespace}` : base
  const within = kind.namespaced ? ['namespace'] : []
  const collection: Path = {
    path: `${scope}/${kind.plural}`,
    variables: within,
    operations: collectionOperations(kind)
  }
  const paths = [collection]
  if (kind.verbs.includes('get')) {
    paths.push({
      path: `${scope}/${kind.plural}/{name}`,
      variables: ['name', ...within],
      operations: itemOperations(kind)
    })
  }
  if (kind.namespaced && kind.verbs.includes('list')) {
    paths.push({
      path: `${base}/${kind.plural}`,
      variables: [],
      operations: [listOperation(kind, 'ForAllNamespaces')]
    })
  }
  for (const subresource of kind.subresources) {
    paths.push({
      path: `${scope}/${kind.plural}/{name}/${subresource.name}`,
      variables: ['name', ...within],
      operations: subresourceOperations(kind, subresource)
    })
  }
  return paths
}

function operation(
  kind: Kind,
  method: Method,
  action: string,
  verb: string,
  rest: Omit<Operation, 'method' | 'action' | 'id' | 'tag' | 'groupVersionKind'>,
  suffix = ''
): Operation {
  const group = kind.group === '' ? 'core' : (kind.group.split('.')[0] ?? '')
  const middle = verb === 'deleteCollection' ? 'Collection' : ''
  const [first, scope] = [
    verb === 'deleteCollection' ? 'delete' : verb,
    kind.namespaced && suffix !== 'ForAllNamespaces' ? 'Namespaced' : ''
  ]
  return {
    method,
    action,
    tag: `${group}_${kind.version}`,
    id: `${first}${capital(group)}${capital(kind.version)}${middle}${scope}${kind.kind}${suffix}`,
    groupVersionKind: { group: kind.group, version: kind.version, kind: kind.kind },
    ...rest
  }
}

const listOperation = (kind: Kind, suffix = ''): Operation =>
  operation(
    kind,
    'get',
    'list',
    'list',
    {
      description: `list or watch objects of kind ${kind.kind}`,
      parameters: listParameters,
      response: `${kind.schema}List`
    },
    suffix
  )

function collectionOperations(kind: Kind): Operation[] {
  const { verbs, schema, kind: name } = kind
  return [
    ...(verbs.includes('list') ? [listOperation(kind)] : []),
    ...(verbs.includes('create')
      ? [
          operation(kind, 'post', 'post', 'create', {
            description: `create ${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`,
            parameters: writeParameters,
            body: schema,
            response: schema,
            created: true
          })
        ]
      : []),
    ...(verbs.includes('deletecollection')
      ? [
          operation(kind, 'delete', 'deletecollection', 'deleteCollection', {
            description: `delete collection of ${name}`,
            parameters: [...listParameters, ...deleteParameters],
            body: wellKnown.deleteOptions,
            bodyOptional: true,
            response: wellKnown.status
          })
        ]
      : [])
  ]
}

function itemOperations(kind: Kind): Operation[] {
  const { verbs, schema, kind: name } = kind
  return [
    operation(kind, 'get', 'get', 'read', {
      description: `read the specified ${name}`,
      parameters: [],
      response: schema
    }),
    ...(verbs.includes('update') ? [replaceOperation(kind, schema)] : []),
    ...(verbs.includes('patch') ? [patchOperation(kind, schema)] : []),
    ...(verbs.includes('delete')
      ? [
          operation(kind, 'delete', 'delete', 'delete', {
            description: `delete ${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`,
            parameters: deleteParameters,
            body: wellKnown.deleteOptions,
            bodyOptional: true,
            response: name === 'Pod' ? schema : wellKnown.status
          })
        ]
      : [])
  ]
}

const replaceOperation = (kind: Kind, schema: string, suffix = '', of = ''): Operation =>
  operation(
    kind,
    'put',
    'put',
    'replace',
    {
      description: `replace ${of}the specified ${kind.kind}`,
      parameters: writeParameters,
      body: schema,
      response: schema,
      created: true
    },
    suffix
  )

const patchOperation = (kind: Kind, schema: string, suffix = '', of = ''): Operation =>
  operation(
    kind,
    'patch',
    'patch',
    'patch',
    {
      description: `partially update ${of}the specified ${kind.kind}`,
      parameters: patchParameters,
      body: wellKnown.patch,
      response: schema,
      created: true
    },
    suffix
  )

const streams = ['attach', 'exec', 'portforward', 'proxy']

function subresourceOperations(kind: Kind, subresource: Subresource): Operation[] {
  const { name, verbs, bodyKind } = subresource
  const suffix = capital(name)
  const of = `${name} of `
  const schema = bodyKind ? schemaOfBody(bodyKind) : kind.schema
  if (streams.includes(name)) {
    return (['get', 'post'] as const).map((method) =>
      operation(
        kind,
        method,
        'connect',
        `connect${capital(method)}`,
        {
          description: `connect ${method.toUpperCase()} requests to ${name} of ${kind.kind}`,
          parameters: connectParameters(name)
        },
        suffix
      )
    )
  }
  const operations: Operation[] = []
  if (verbs.includes('get')) {
    operations.push(
      operation(
        kind,
        'get',
        'get',
        'read',
        {
          description: `read ${of}the specified ${kind.kind}`,
          ...(name === 'log'
            ? { parameters: connectParameters('log') }
            : { parameters: [], response: schema })
        },
        suffix
      )
    )
  }
  if (verbs.includes('update')) operations.push(replaceOperation(kind, schema, suffix, of))
  if (verbs.includes('create')) {
    operations.push(
      operation(
        kind,
        'post',
        'post',
        'create',
        {
          description: `create ${of}a ${kind.kind}`,
          parameters: writeParameters,
          body: schema,
          response: schema,
          created: true
        },
        suffix
      )
    )
  }
  if (verbs.includes('patch')) operations.push(patchOperation(kind, schema, suffix, of))
  return operations.map((entry) => (bodyKind ? { ...entry, groupVersionKind: bodyKind } : entry))
}

/** `autoscaling/v1 Scale` is io.k8s.api.autoscaling.v1.Scale */
const schemaOfBody = ({ group, version, kind }: NonNullable<Subresource['bodyKind']>) =>
  `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`
