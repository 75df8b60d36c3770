import t from 'tap'
import { readFacts } from '../../../../src/api/schema/generator/facts.js'
import { readModels } from '../../../../src/api/schema/generator/models.js'
import { nameDefinitions, nameTypes } from '../../../../src/api/schema/generator/names.js'

const models = readModels()
const facts = readFacts(new URL('../../../../src/api/schema/facts/', import.meta.url))

t.test('models are read from the text of the package', async (t) => {
  const pod = models.get('V1Pod')
  t.match(pod?.description, /^Pod is a collection of containers/)
  t.same(
    pod?.properties.map((property) => property.name),
    ['apiVersion', 'kind', 'metadata', 'spec', 'status']
  )
  const port = models.get('V1ContainerPort')?.properties.find((property) => property.name === 'containerPort')
  t.match(port, { type: 'number', format: 'int32', required: true, description: /^Number of port to expose/ })
  const schema = models.get('V1JSONSchemaProps')?.properties.map((property) => property.name)
  t.ok(schema?.includes('x-kubernetes-list-type') && schema.includes('$ref'), 'names as in JSON')
})

t.test('facts complete them', async (t) => {
  const fields = facts.get('io.k8s.api.core.v1.ServiceSpec')?.fields
  t.match(
    fields?.find((field) => field.name === 'ports'),
    {
      number: 1,
      listType: 'map',
      listMapKeys: ['port', 'protocol'],
      patchStrategy: 'merge',
      patchMergeKey: 'port'
    }
  )
  t.match(
    facts.get('io.k8s.api.core.v1.PodSpec')?.fields.find((field) => field.name === 'volumes'),
    { patchStrategy: 'merge,retainKeys', patchMergeKey: 'name' }
  )
  t.match(
    facts.get('io.k8s.api.core.v1.ServicePort')?.fields.find((field) => field.name === 'protocol'),
    {
      enum: ['TCP', 'UDP', 'SCTP'],
      default: 'TCP'
    }
  )
  t.equal(facts.get('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector')?.mapType, 'atomic')
  t.match(facts.get('io.k8s.api.core.v1.Volume')?.fields[1], { inline: 'VolumeSource', number: 2 })
})

t.test('definitions are named by group', async (t) => {
  const ids = nameDefinitions(models, facts)
  t.equal(ids.get('V1Pod'), 'io.k8s.api.core.v1.Pod')
  t.equal(ids.get('V1PodList'), 'io.k8s.api.core.v1.PodList')
  t.equal(ids.get('EventsV1Event'), 'io.k8s.api.events.v1.Event')
  t.equal(ids.get('V1Preconditions'), 'io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions')
  t.equal(
    ids.get('V1CustomResourceDefinitionSpec'),
    'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec'
  )
  t.equal(new Set(ids.values()).size, ids.size, 'no two models are one definition')
})

t.test('types have plain names where those are clear', async (t) => {
  const names = nameTypes(models)
  const expected: Record<string, string> = {
    V1Pod: 'Pod',
    CoreV1Event: 'Event',
    EventsV1Event: 'EventsEvent',
    V2HorizontalPodAutoscaler: 'HorizontalPodAutoscaler',
    V1HorizontalPodAutoscaler: 'HorizontalPodAutoscalerV1',
    DiscoveryV1EndpointPort: 'DiscoveryEndpointPort'
  }
  for (const [model, name] of Object.entries(expected)) t.equal(names.get(model), name)
  t.equal(new Set(names.values()).size, names.size)
})
