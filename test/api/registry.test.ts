import t from 'tap'
import { findKind, findResource, kinds } from '../../src/api/registry.js'
import { lazySchemaData } from '../../src/api/schema/load.js'

t.test('every kind has a schema, a name column and a place of its own', async (t) => {
  const { definitions } = lazySchemaData()
  const places = new Set<string>()
  for (const kind of kinds) {
    const place = `${kind.group}/${kind.version}/${kind.plural}`
    t.notOk(places.has(place), `${place} is there once`)
    places.add(place)
    const definition = definitions[kind.schema]
    t.ok(definition, `${kind.schema} is a definition`)
    t.same(definition?.groupVersionKind, { group: kind.group, version: kind.version, kind: kind.kind })
    t.equal(
      definition?.properties?.['status'] !== undefined && kind.virtual !== true && kind.kind !== 'Event',
      kind.subresources.some((subresource) => subresource.name === 'status'),
      `${kind.kind} has status if its schema has`
    )
    if (kind.kind !== 'Event') t.equal(kind.columns[0]?.format, 'name', 'tables begin with the name')
  }
})

t.test('kinds are found by kind and by plural', async (t) => {
  t.equal(findKind({ group: 'apps', version: 'v1', kind: 'Deployment' })?.plural, 'deployments')
  t.equal(findResource({ group: '', version: 'v1', plural: 'pods' })?.kind, 'Pod')
  t.equal(findKind({ group: '', version: 'v1', kind: 'Deployment' }), undefined)
  t.equal(findResource({ group: 'apps', version: 'v2', plural: 'deployments' }), undefined)
})

t.test('names that clients type are as upstream', async (t) => {
  const short = Object.fromEntries(kinds.map((kind) => [kind.plural, kind.shortNames.join(',')]))
  t.match(short, {
    pods: 'po',
    services: 'svc',
    deployments: 'deploy',
    replicasets: 'rs',
    configmaps: 'cm',
    namespaces: 'ns'
  })
  t.same(
    kinds
      .filter((kind) => kind.categories.includes('all'))
      .map((kind) => kind.plural)
      .sort(),
    ['deployments', 'pods', 'replicasets', 'services']
  )
  t.notOk(
    findResource({ group: '', version: 'v1', plural: 'namespaces' })?.verbs.includes('deletecollection')
  )
})
