import t from 'tap'
import { kinds } from '../../../src/api/registry.js'
import { lazySchemaData } from '../../../src/api/schema/load.js'
import { SchemaRegistry } from '../../../src/api/schema/schema-registry.js'

const registry = new SchemaRegistry({ kinds, version: 'v1.36.0' })
const core = (kind: string) => ({ schema: `io.k8s.api.core.v1.${kind}` })

t.test('the generated definitions are whole', async (t) => {
  const { definitions } = lazySchemaData()
  t.ok(Object.keys(definitions['io.k8s.api.core.v1.PodSpec']?.properties ?? {}).length > 40)
  t.match(definitions['io.k8s.api.core.v1.ContainerPort'], {
    required: ['containerPort'],
    properties: {
      containerPort: { type: 'integer', format: 'int32' },
      protocol: { default: 'TCP', enum: ['TCP', 'UDP', 'SCTP'] }
    }
  })
  t.match(definitions['io.k8s.api.core.v1.PodSpec']?.description, /PodSpec is a description of a pod/)
  t.match(
    definitions['io.k8s.api.core.v1.PodSpec']?.properties?.['nodeName']?.description,
    /in which node this pod is scheduled/
  )
  const refs = new Set<string>()
  JSON.stringify(definitions, (key, value: unknown) => {
    if (key === 'ref') refs.add(value as string)
    return value
  })
  t.same(
    [...refs].filter((name) => definitions[name] === undefined),
    [],
    'every reference leads somewhere'
  )
})

t.test('wrong types, in the words of Go', async (t) => {
  const check = (kind: string, value: unknown) => registry.typeErrors(core(kind), value)
  const container = (rest: object) => ({ spec: { containers: [{ name: 'a', ...rest }] } })
  t.same(check('Pod', { metadata: { name: 'a' }, spec: { containers: null } }), [], 'null is unset')
  const cases: [object, string][] = [
    [{ spec: 'x' }, 'json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec'],
    [
      { spec: { containers: {} } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container'
    ],
    [
      { spec: { hostNetwork: 'yes' } },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool'
    ],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string'
    ],
    [
      container({ ports: [{ containerPort: 8.5 }] }),
      'json: cannot unmarshal number 8.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32'
    ],
    [
      container({ ports: [{ containerPort: 3000000000 }] }),
      'json: cannot unmarshal number 3000000000 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32'
    ],
    [
      container({ resources: { limits: { cpu: 'lots' } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    ],
    [
      { metadata: { creationTimestamp: 'yesterday' } },
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'
    ]
  ]
  for (const [value, text] of cases) t.same(check('Pod', value), [text], text)
  t.same(
    check(
      'Pod',
      container({ resources: { limits: { cpu: 1 } }, readinessProbe: { httpGet: { port: 'http' } } })
    ),
    []
  )
  t.same(registry.typeErrors({ schema: 'io.k8s.api.apps.v1.Deployment' }, { spec: { replicas: 'three' } }), [
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'
  ])
  t.same(check('Secret', { data: { a: 'a!' } }), ['illegal base64 data at input byte 1'])
  t.same(check('Secret', { data: { a: 'aGk=' } }), [])
})

t.test('unknown fields are found and removed', async (t) => {
  const pod = {
    foo: 1,
    metadata: { name: 'a', labels: { any: 'b' }, bar: 2, annotations: null },
    spec: { containers: [{ name: 'a' }, { name: 'b', resource: {}, ports: [{ port: 1 }] }], nodeName: null }
  }
  t.same(registry.prune(core('Pod'), pod), [
    'foo',
    'metadata.bar',
    'spec.containers[1].resource',
    'spec.containers[1].ports[0].port'
  ])
  t.same(pod, {
    metadata: { name: 'a', labels: { any: 'b' } },
    spec: { containers: [{ name: 'a' }, { name: 'b', ports: [{}] }] }
  })
  t.same(registry.prune(core('Pod'), JSON.parse('{"__proto__":{"a":1},"constructor":1}')).sort(), [
    '__proto__',
    'constructor'
  ])
})

t.test('merge schemas', async (t) => {
  const spec = registry.mergeSchemaOf(core('Service')).field('spec')
  t.match(spec?.field('ports'), {
    kind: 'list',
    listType: 'map',
    listMapKeys: ['port', 'protocol'],
    keyDefaults: { protocol: 'TCP' },
    patchStrategy: ['merge'],
    patchMergeKey: 'port'
  })
  t.equal(spec?.field('ports')?.items?.kind, 'struct')
  t.match(spec?.field('selector'), { kind: 'map', mapType: 'atomic' })
  t.equal(spec?.field('nothing'), undefined)
  t.equal(spec?.field('constructor'), undefined)
  const pod = registry.mergeSchemaOf(core('Pod'))
  t.match(pod.field('spec')?.field('volumes'), {
    patchStrategy: ['merge', 'retainKeys'],
    patchMergeKey: 'name',
    listMapKeys: ['name']
  })
  t.match(pod.field('metadata')?.field('finalizers'), { listType: 'set', patchStrategy: ['merge'] })
  t.match(pod.field('metadata')?.field('ownerReferences'), { listMapKeys: ['uid'] })
  t.match(
    registry.mergeSchemaOf({ schema: 'io.k8s.api.apps.v1.Deployment' }).field('spec')?.field('selector'),
    { kind: 'struct', mapType: 'atomic' }
  )
  t.equal(pod.field('spec'), pod.field('spec'), 'made once')
  t.equal(registry.mergeSchemaOf({ schema: 'example.Unknown' }).kind, 'any')
})

t.test(
  'objects are read as Go reads them: null elements are zero values, required fields are there',
  async (t) => {
    const read = (kind: string, value: object): unknown => {
      registry.prune(core(kind), value)
      registry.fillRequired(core(kind), value)
      return value
    }
    t.same(read('Node', { spec: { taints: [null, { key: 'a' }], podCIDRs: [null] } }), {
      spec: {
        taints: [
          { effect: '', key: '' },
          { effect: '', key: 'a' }
        ],
        podCIDRs: ['']
      }
    })
    t.same(
      read('Pod', { metadata: { labels: { a: null } }, spec: { containers: [{ ports: [{ name: null }] }] } }),
      {
        metadata: { labels: { a: '' } },
        spec: { containers: [{ name: '', ports: [{ containerPort: 0 }] }] }
      }
    )
    const term = { weight: 1 }
    t.match(
      read('Pod', {
        spec: { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [term] } } }
      }),
      {
        spec: {
          affinity: {
            podAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, podAffinityTerm: { topologyKey: '' } }
              ]
            }
          }
        }
      }
    )
    const deployment = { spec: {} }
    registry.fillRequired({ schema: 'io.k8s.api.apps.v1.Deployment' }, deployment)
    t.same(deployment, { spec: { template: {} } }, 'a selector that is not there stays away')
  }
)
