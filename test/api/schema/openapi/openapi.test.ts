import t from 'tap'
import { createHash } from 'node:crypto'
import { kinds } from '../../../../src/api/registry.js'
import { SchemaRegistry } from '../../../../src/api/schema/schema-registry.js'
import { readFields } from '../../../../src/api/schema/wire.js'

/** A document is whatever it is; tests look at what they name. */
interface Json {
  [key: string]: Json | undefined
}

const { openApi } = new SchemaRegistry({ kinds, version: 'v1.36.0' })
const parse = (bytes: Buffer | undefined): Json => JSON.parse((bytes ?? Buffer.alloc(0)).toString()) as Json

/** References of a document that lead nowhere. */
function dangling(document: Json, schemas: Json = {}): string[] {
  const missing = new Set<string>()
  JSON.stringify(document, (key, value: unknown) => {
    const name = key === '$ref' ? String(value).replace(/^.*\//, '') : undefined
    if (name !== undefined && !(name in schemas)) missing.add(name)
    return value
  })
  return [...missing]
}

t.test('v3', async (t) => {
  const index = parse(openApi.v3Index().bytes)
  t.ok(index['paths']?.['api/v1'])
  t.equal(openApi.v3('apis/example/v1'), undefined)
  for (const [name, { serverRelativeURL }] of Object.entries(
    index['paths'] as unknown as Record<string, { serverRelativeURL: string }>
  )) {
    const document = openApi.v3(name)
    t.equal(serverRelativeURL, `/openapi/v3/${name}?hash=${document?.hash ?? ''}`)
    t.equal(
      document?.hash,
      createHash('sha512')
        .update(document?.bytes ?? '')
        .digest('hex')
        .toUpperCase()
    )
    t.same(
      dangling(parse(document?.bytes), parse(document?.bytes)['components']?.['schemas']),
      [],
      `${name} is complete`
    )
  }
  const apps = parse(openApi.v3('apis/apps/v1')?.bytes)
  const item = apps['paths']?.['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'] ?? {}
  t.same(Object.keys(item).sort(), ['delete', 'get', 'parameters', 'patch', 'put'])
  t.match(item['patch'], {
    operationId: 'patchAppsV1NamespacedDeployment',
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' }
  })
  t.same(
    (item['patch']?.['parameters'] as unknown as { name: string }[]).map((p) => p.name),
    ['dryRun', 'fieldManager', 'fieldValidation', 'force']
  )
  t.same(Object.keys(item['patch']?.['requestBody']?.['content'] ?? {})[0], 'application/apply-patch+yaml')
  t.same(
    apps['paths']?.['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale']?.['put']?.[
      'x-kubernetes-group-version-kind'
    ],
    { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  )
  const core = parse(openApi.v3('api/v1')?.bytes)
  t.ok(core['paths']?.['/api/v1/namespaces/{name}'], 'namespaces are cluster-scoped')
  t.equal(core['paths']?.['/api/v1/namespaces']?.['delete'], undefined)
  t.equal(
    core['paths']?.['/api/v1/namespaces/{namespace}/pods/{name}/exec']?.['post']?.['x-kubernetes-action'],
    'connect'
  )
  const schemas = core['components']?.['schemas'] ?? {}
  t.match(schemas['io.k8s.api.core.v1.ServiceSpec']?.['properties']?.['ports'], {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': 'port'
  })
  t.same(schemas['io.k8s.api.core.v1.Pod']?.['x-kubernetes-group-version-kind'], [
    { group: '', kind: 'Pod', version: 'v1' }
  ])
  t.match(schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString'], {
    oneOf: [{ type: 'string' }, { type: 'integer' }]
  })
  for (const name of ['Status', 'DeleteOptions', 'WatchEvent', 'Patch'])
    t.ok(schemas[`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`], name)
  t.notMatch(
    JSON.stringify(core),
    /"(listType|pointers|always|groupVersionKind)":/,
    'nothing internal is published'
  )
})

t.test('v2', async (t) => {
  const document = parse(openApi.v2Json().bytes)
  t.same(dangling(document, document['definitions']), [])
  const post = document['paths']?.['/api/v1/namespaces/{namespace}/pods']?.['post']
  t.match((post?.['parameters'] as unknown as Json[])[0], {
    name: 'body',
    in: 'body',
    required: true,
    schema: { $ref: '#/definitions/io.k8s.api.core.v1.Pod' }
  })
  t.equal(document['definitions']?.['io.k8s.apimachinery.pkg.api.resource.Quantity']?.['type'], 'string')
})

t.test('v2 as protobuf says the same', async (t) => {
  const document = parse(openApi.v2Json().bytes)
  const inner = (bytes: Buffer, number: number): Buffer[] =>
    [...readFields(bytes)].flatMap((field) =>
      field.number === number && field.wire === 'bytes' ? [field.value] : []
    )
  const only = (bytes: Buffer, ...path: number[]): Buffer =>
    path.reduce((at, number) => inner(at, number)[0] ?? Buffer.alloc(0), bytes)
  const { bytes } = openApi.v2Protobuf()
  t.equal(only(bytes, 1).toString(), '2.0')
  t.equal(only(bytes, 2, 2).toString(), 'v1.36.0')
  const paths = inner(only(bytes, 8), 2)
  t.same(
    paths.map((entry) => only(entry, 1).toString()),
    Object.keys(document['paths'] ?? {})
  )
  const definitions = inner(only(bytes, 9), 1)
  t.same(
    definitions.map((entry) => only(entry, 1).toString()),
    Object.keys(document['definitions'] ?? {})
  )
  const pod =
    definitions.find((entry) => only(entry, 1).toString() === 'io.k8s.api.core.v1.Pod') ?? Buffer.alloc(0)
  t.equal(
    only(pod, 2, 4).toString(),
    document['definitions']?.['io.k8s.api.core.v1.Pod']?.['description'] as unknown as string
  )
  t.same(
    inner(only(pod, 2, 25), 1).map((entry) => only(entry, 1).toString()),
    Object.keys(document['definitions']?.['io.k8s.api.core.v1.Pod']?.['properties'] ?? {})
  )
  t.match(only(pod, 2, 31, 2, 2).toString(), '"kind":"Pod"')
})
