import type { Operation, Path } from './operations.js'
import { commonParameters, type Parameter } from './parameters.js'
import { reference, type Dialect } from './schemas.js'

type Json = Record<string, unknown>

const answers = ['application/json', 'application/yaml', 'application/json;stream=watch']
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json'
]

const variableDescriptions: Readonly<Record<string, string>> = {
  name: 'name of the object',
  namespace: 'object name and auth scope, such as for teams and projects'
}

/** The `paths` of a document. */
export const renderPaths = (paths: readonly Path[], dialect: Dialect): Record<string, Json> =>
  Object.fromEntries(paths.map((path) => [path.path, renderPath(path, dialect)]))

function renderPath({ variables, operations }: Path, dialect: Dialect): Json {
  return {
    ...Object.fromEntries(
      operations.map((operation) => [
        operation.method,
        dialect === 'v3' ? operationV3(operation) : operationV2(operation)
      ])
    ),
    parameters: [
      ...variables.map((name) => ({
        name,
        in: 'path',
        description: variableDescriptions[name],
        required: true,
        ...typed('string', dialect)
      })),
      ...commonParameters.map((parameter) => query(parameter, dialect))
    ]
  }
}

const typed = (type: Parameter['type'], dialect: Dialect): Json =>
  dialect === 'v3' ? { schema: { type, uniqueItems: true } } : { type, uniqueItems: true }

const query = ({ name, type, description }: Parameter, dialect: Dialect): Json => ({
  name,
  in: 'query',
  description,
  ...typed(type, dialect)
})

const common = ({ tag, description, id, action, groupVersionKind }: Operation): Json => ({
  tags: [tag],
  description,
  operationId: id,
  'x-kubernetes-action': action,
  'x-kubernetes-group-version-kind': groupVersionKind
})

const codes = ({ method, created }: Operation): [string, string][] => [
  ['200', 'OK'],
  ...(created ? [['201', 'Created'] as [string, string]] : []),
  ...(method === 'delete' ? [['202', 'Accepted'] as [string, string]] : [])
]

function operationV3(operation: Operation): Json {
  const { body, bodyOptional, response } = operation
  const answer =
    response === undefined
      ? { content: { '*/*': { schema: { type: 'string' } } } }
      : { content: Object.fromEntries(answers.map((type) => [type, { schema: reference(response, 'v3') }])) }
  const bodyTypes = operation.method === 'patch' ? patchTypes : ['*/*']
  return {
    ...common(operation),
    parameters: operation.parameters.map((parameter) => query(parameter, 'v3')),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: Object.fromEntries(bodyTypes.map((type) => [type, { schema: reference(body, 'v3') }])),
            ...(bodyOptional ? {} : { required: true })
          }
        }),
    responses: {
      ...Object.fromEntries(
        codes(operation).map(([code, description]) => [code, { description, ...answer }])
      ),
      401: { description: 'Unauthorized' }
    }
  }
}

function operationV2(operation: Operation): Json {
  const { body, bodyOptional, response } = operation
  const schema = response === undefined ? { type: 'string' } : reference(response, 'v2')
  return {
    ...common(operation),
    consumes: operation.method === 'patch' ? patchTypes : ['*/*'],
    produces: answers,
    parameters: [
      ...(body === undefined
        ? []
        : [{ name: 'body', in: 'body', required: !bodyOptional, schema: reference(body, 'v2') }]),
      ...operation.parameters.map((parameter) => query(parameter, 'v2'))
    ],
    responses: {
      ...Object.fromEntries(codes(operation).map(([code, description]) => [code, { description, schema }])),
      401: { description: 'Unauthorized' }
    }
  }
}
