import t from 'tap'
import { applyStrategicMergePatch } from '../../../src/apiserver/patch/strategic-merge.js'
import { deploymentSchema } from '../../fixtures/merge-schema.js'

type Json = Record<string, unknown>
const withContainers = (...containers: Json[]) => ({ spec: { template: { spec: { containers } } } })
const apply = (document: Json, patch: Json) => applyStrategicMergePatch(document, patch, deploymentSchema)

t.test('containers merge by name, their lists by their keys', async (t) => {
  const live = withContainers(
    { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'b:1' }
  )
  t.same(
    apply(live, withContainers({ name: 'b', image: 'b:2' })),
    withContainers({ name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] }, { name: 'b', image: 'b:2' })
  )
  t.same(
    apply(live, withContainers({ name: 'a', env: [{ name: 'Y', value: '2' }] })),
    withContainers(
      {
        name: 'a',
        image: 'a:1',
        env: [
          { name: 'Y', value: '2' },
          { name: 'X', value: '1' }
        ]
      },
      { name: 'b', image: 'b:1' }
    ),
    'a new element comes first, as kubectl patch shows it'
  )
  t.same(live.spec.template.spec.containers[1], { name: 'b', image: 'b:1' }, 'inputs are left alone')
})

t.test('null removes a field, also below a new one', async (t) => {
  t.same(apply({ spec: { replicas: 3, paused: true } }, { spec: { paused: null } }), {
    spec: { replicas: 3 }
  })
  t.same(apply({}, { metadata: { labels: { a: null, b: 'c' } } }), { metadata: { labels: { b: 'c' } } })
})

t.test('$patch', async (t) => {
  const live = withContainers({ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:1' })
  t.same(
    apply(live, withContainers({ name: 'a', $patch: 'delete' })),
    withContainers({ name: 'b', image: 'b:1' })
  )
  t.same(apply(live, withContainers({ name: 'c' }, { $patch: 'replace' })), withContainers({ name: 'c' }))
  t.same(
    apply(
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { $patch: 'replace', c: '3' } } }
    ),
    { metadata: { labels: { c: '3' } } }
  )
  t.same(apply({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'delete' } } }), {
    metadata: { labels: {} }
  })
  t.throws(() => apply(live, { spec: { $patch: 'explode' } }), { code: 400, message: /unknown patch type/ })
})

t.test('$retainKeys keeps only what it lists', async (t) => {
  const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }
  t.same(apply(live, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }), {
    spec: { strategy: { type: 'Recreate' } }
  })
  t.throws(() => apply(live, { spec: { strategy: { $retainKeys: [], type: 'Recreate' } } }), { code: 400 })
})

t.test('lists of scalars', async (t) => {
  const live = { metadata: { finalizers: ['a', 'b'] } }
  t.same(apply(live, { metadata: { finalizers: ['c', 'b'] } }).metadata, { finalizers: ['c', 'a', 'b'] })
  t.same(apply(live, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }), {
    metadata: { finalizers: ['b'] }
  })
  t.same(
    apply(withContainers({ name: 'a', args: ['1', '2'] }), withContainers({ name: 'a', args: ['3'] })),
    withContainers({ name: 'a', args: ['3'] }),
    'a list without a merge strategy is replaced'
  )
})

t.test('$setElementOrder', async (t) => {
  const live = withContainers({ name: 'a' }, { name: 'server' }, { name: 'b' })
  const patch = {
    spec: {
      template: {
        spec: {
          '$setElementOrder/containers': [{ name: 'b' }, { name: 'new' }, { name: 'a' }],
          containers: [{ name: 'new', image: 'n' }]
        }
      }
    }
  }
  const merged = apply(live, patch) as ReturnType<typeof withContainers>
  t.same(
    merged.spec.template.spec.containers.map((c) => c['name']),
    ['server', 'b', 'new', 'a']
  )
  const reordered = apply(live, {
    spec: { template: { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } } }
  }) as ReturnType<typeof withContainers>
  t.equal(reordered.spec.template.spec.containers.length, 3, 'an order alone removes nothing')
})

t.test('an element without its merge key', async (t) => {
  t.throws(() => apply(withContainers({ name: 'a' }), withContainers({ image: 'x' })), {
    code: 400,
    message: /does not contain declared merge key: name/
  })
})
