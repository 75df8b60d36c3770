import t from 'tap'
import { serverSideApply } from '../../../src/apiserver/patch/server-side-apply.js'
import { trackUpdate } from '../../../src/apiserver/patch/track-update.js'
import type { KubeObject } from '../../../src/base/object.js'
import { deploymentSchema as schema } from '../../fixtures/merge-schema.js'

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))
const apiVersion = 'apps/v1'

interface Deployment extends KubeObject {
  spec: {
    replicas?: number
    paused?: boolean
    strategy?: unknown
    selector?: unknown
    template?: { spec?: { containers?: { name: string; [field: string]: unknown }[] } }
  }
}

const deployment = (spec: object, metadata: object = {}) => ({
  apiVersion,
  kind: 'Deployment',
  metadata: { name: 'web', ...metadata },
  spec
})
const containers = (...list: object[]) => ({ template: { spec: { containers: list } } })

const apply = (
  live: KubeObject | undefined,
  applied: object,
  manager: string,
  more: { force?: boolean; second?: number; ignoredPaths?: string[][] } = {}
) =>
  serverSideApply({
    live,
    applied: applied as Record<string, unknown>,
    manager,
    force: more.force ?? false,
    schema,
    apiVersion,
    now: at(more.second ?? 0),
    ...(more.ignoredPaths ? { ignoredPaths: more.ignoredPaths } : {})
  }) as Deployment

const update = (
  live: KubeObject,
  change: (copy: Deployment) => void,
  manager: string,
  second = 1
): Deployment => {
  const after = structuredClone(live) as Deployment
  change(after)
  after.metadata.managedFields = trackUpdate({
    before: live,
    after,
    manager,
    schema,
    apiVersion,
    now: at(second)
  })
  return after
}

/** As stored after a create by `client`. */
function create(fields: object, metadata: object = {}): Deployment {
  const after = {
    apiVersion,
    kind: 'Deployment',
    metadata: { name: 'web', uid: 'u', resourceVersion: '1', ...metadata },
    ...fields
  } as Deployment
  after.metadata.managedFields = trackUpdate({
    before: undefined,
    after,
    manager: 'client',
    schema,
    apiVersion,
    now: at(1)
  })
  return after
}

const owners = (object: KubeObject) =>
  (object.metadata.managedFields ?? []).map((entry) => `${entry.manager} ${entry.operation}`)

t.test('create, then the same again', async (t) => {
  const config = deployment(
    { replicas: 3, ...containers({ name: 'a', image: 'a:1', ports: [{ containerPort: 80 }] }) },
    { labels: { app: 'web' } }
  )
  const created = apply(undefined, config, 'kubectl')
  t.match(created.spec, config.spec)
  t.same(created.metadata.managedFields, [
    {
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion,
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:template': {
            'f:spec': {
              'f:containers': {
                'k:{"name":"a"}': {
                  '.': {},
                  'f:image': {},
                  'f:name': {},
                  'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } }
                }
              }
            }
          }
        }
      }
    }
  ])
  t.same(apply(created, config, 'kubectl', { second: 9 }), created, 'nothing changes, not even a time')
})

t.test('a field that is applied no more goes, unless another manager owns it', async (t) => {
  const both = apply(
    undefined,
    deployment({ replicas: 3, paused: true }, { labels: { a: '1', b: '2' } }),
    'one'
  )
  const shared = apply(both, deployment({ replicas: 3 }), 'two')
  t.same(owners(shared), ['one Apply', 'two Apply'], 'equal values are shared without a conflict')
  const less = apply(shared, deployment({}, { labels: { a: '1' } }), 'one', { second: 2 })
  t.equal(less.spec.replicas, 3, 'the other one still wants it')
  t.equal(less.spec.paused, undefined)
  t.same(less.metadata.labels, { a: '1' })
})

t.test('list elements come and go by key; what a controller added stays', async (t) => {
  const first = apply(
    undefined,
    deployment(containers({ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:1' })),
    'me'
  )
  const injected = update(
    first,
    (o) => {
      o.spec.template?.spec?.containers?.push({ name: 'sidecar', image: 's' })
    },
    'injector'
  )
  const second = apply(
    injected,
    deployment(containers({ name: 'b', image: 'b:2' }, { name: 'c', image: 'c:1' })),
    'me',
    { second: 2 }
  )
  t.same(second.spec.template?.spec?.containers?.map((c) => `${c.name} ${String(c['image'])}`).sort(), [
    'b b:2',
    'c c:1',
    'sidecar s'
  ])
})

t.test('conflicts', async (t) => {
  const live = update(
    apply(undefined, deployment({ replicas: 3 }), 'me'),
    (o) => {
      o.spec.replicas = 5
    },
    'kubectl-scale'
  )
  t.same(
    owners(live),
    ['kubectl-scale Update'],
    'an update takes the field over; who owns nothing is dropped'
  )
  t.throws(() => apply(live, deployment({ replicas: 4 }), 'me'), {
    code: 409,
    message: 'Apply failed with 1 conflict: conflict with "kubectl-scale" using apps/v1: .spec.replicas',
    status: {
      reason: 'Conflict',
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "kubectl-scale" using apps/v1',
            field: '.spec.replicas'
          }
        ]
      }
    }
  })
  const forced = apply(live, deployment({ replicas: 4 }), 'me', { force: true })
  t.equal(forced.spec.replicas, 4)
  t.same(owners(forced), ['me Apply'])

  const other = update(
    apply(undefined, deployment(containers({ name: 'a', image: 'a:1' })), 'me'),
    (o) => {
      const [a] = o.spec.template?.spec?.containers ?? []
      if (a) a['image'] = 'a:2'
      o.spec.paused = true
    },
    'edit'
  )
  t.throws(
    () => apply(other, deployment({ paused: false, ...containers({ name: 'a', image: 'a:3' }) }), 'me'),
    {
      message:
        'Apply failed with 2 conflicts: conflicts with "edit" using apps/v1:\n- .spec.paused\n- .spec.template.spec.containers[name="a"].image'
    }
  )
})

t.test('atomic values are owned as a whole', async (t) => {
  const one = apply(undefined, deployment({ selector: { matchLabels: { a: '1' } } }), 'one')
  t.throws(() => apply(one, deployment({ selector: { matchLabels: { b: '2' } } }), 'two'), {
    message: /\.spec\.selector$/
  })
  const two = apply(one, deployment({ selector: { matchLabels: { b: '2' } } }), 'two', { force: true })
  t.same(two.spec.selector, { matchLabels: { b: '2' } })
})

t.test('an object from before the records', async (t) => {
  const live = {
    apiVersion,
    kind: 'Deployment',
    metadata: { name: 'web', uid: 'u', resourceVersion: '1' },
    spec: { replicas: 1 }
  }
  t.throws(() => apply(live, deployment({ replicas: 2 }), 'me'), { message: /before-first-apply/ })
  t.same(owners(apply(live, deployment({ replicas: 1 }), 'me')), ['me Apply', 'before-first-apply Update'])
})

t.test('what the endpoint resets is ignored', async (t) => {
  const created = apply(undefined, { ...deployment({ replicas: 1 }), status: { replicas: 7 } }, 'me', {
    ignoredPaths: [['f:status']]
  })
  t.notOk('status' in created)
  t.notOk(JSON.stringify(created.metadata.managedFields).includes('f:status'))
})

t.test('updates', async (t) => {
  const created = create({ spec: { replicas: 1 } }, { labels: { app: 'web' } })
  t.match(created.metadata.managedFields, [
    {
      manager: 'client',
      operation: 'Update',
      fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:spec': { 'f:replicas': {} } }
    }
  ])
  const same = update(created, () => {}, 'client', 8)
  t.same(
    same.metadata.managedFields,
    created.metadata.managedFields,
    'a write without a change leaves the time'
  )
  const removed = update(
    created,
    (o) => {
      delete o.spec.replicas
    },
    'other',
    2
  )
  t.notOk(JSON.stringify(removed.metadata.managedFields).includes('replicas'), "a removed field is nobody's")
  const cleared = update(
    created,
    (o) => {
      o.metadata.managedFields = [{}]
    },
    'client'
  )
  t.same(cleared.metadata.managedFields, [], '[{}] clears the records')
  const migrated = update(
    created,
    (o) => {
      o.metadata.managedFields = (o.metadata.managedFields ?? []).map((e) => ({ ...e, manager: 'renamed' }))
    },
    'client'
  )
  t.same(owners(migrated), ['renamed Update'], 'a request may rewrite them')
})

const names = (o: Deployment) => o.spec.template?.spec?.containers?.map((c) => c.name)
const named = (...list: string[]) => containers(...list.map((name) => ({ name, image: `${name}:1` })))

t.test('the order of merged elements', async (t) => {
  const cases: [live: string[], applied: string[], merged: string[]][] = [
    [['a'], ['new'], ['a', 'new']],
    [
      ['a', 'b'],
      ['b', 'a'],
      ['b', 'a']
    ],
    [
      ['a', 'x', 'b'],
      ['a', 'b'],
      ['a', 'x', 'b']
    ],
    [
      ['a', 'x', 'b'],
      ['b', 'a'],
      ['x', 'b', 'a']
    ],
    [
      ['x', 'a'],
      ['new', 'a'],
      ['x', 'new', 'a']
    ],
    [
      ['a', 'b', 'x'],
      ['c', 'b'],
      ['a', 'c', 'b', 'x']
    ]
  ]
  for (const [live, applied, merged] of cases) {
    const before = create({ spec: named(...live) })
    t.strictSame(
      names(apply(before, deployment(named(...applied)), 'me', { force: true })),
      merged,
      `${live.join()} + ${applied.join()}`
    )
  }
})

t.test('list elements that share a key', async (t) => {
  const env = [
    { name: 'X', value: '1' },
    { name: 'X', value: '2' },
    { name: 'Y', value: '3' }
  ]
  const live = create({ spec: containers({ name: 'a', image: 'a:1', env }) })
  const envOf = (o: Deployment) => o.spec.template?.spec?.containers?.[0]?.['env']
  const other = apply(live, deployment(containers({ name: 'a', env: [{ name: 'Z', value: '4' }] })), 'me')
  t.strictSame(envOf(other), [...env, { name: 'Z', value: '4' }], 'live ones stay')
  const changed = update(
    live,
    (o) => {
      const [a] = o.spec.template?.spec?.containers ?? []
      if (a) a['env'] = [{ name: 'X', value: '1' }, { name: 'X', value: 'changed' }, env[2]]
    },
    'other'
  )
  t.match(JSON.stringify(changed.metadata.managedFields?.[1]), 'other')
  t.throws(() => apply(live, deployment(containers({ name: 'a', env })), 'me'), {
    code: 400,
    message:
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): ' +
      '.spec.template.spec.containers[name="a"].env: duplicate entries for key [name="X"]'
  })
  t.throws(() => apply(live, deployment(containers({ image: 'x' })), 'me'), {
    message: /containers: element 0: associative list with keys has an element that omits key field "name"/
  })
})

t.test('times tell of changes', async (t) => {
  const timesOf = (o: KubeObject) => o.metadata.managedFields?.map((e) => e.time)
  const first = apply(undefined, deployment({ replicas: 1 }), 'me')
  const second = apply(first, deployment({ replicas: 2 }), 'me', { second: 5 })
  t.strictSame(timesOf(second), ['2026-01-01T00:00:05Z'], 'another value of the same field')
  t.strictSame(timesOf(apply(second, deployment({ replicas: 2 }), 'me', { second: 9 })), timesOf(second))
})

t.test('inputs are left alone', async (t) => {
  const live = apply(undefined, deployment({ replicas: 1, ...named('a', 'b') }), 'one')
  const config = deployment(named('b'))
  const before = structuredClone([live, config])
  apply(live, config, 'one')
  update(live, () => {}, 'other')
  t.strictSame([live, config], before)
})

t.test('records that are gone stay gone; an empty list does not clear them', async (t) => {
  const created = create({ spec: { replicas: 1 } })
  const kept = update(
    created,
    (o) => {
      o.metadata.managedFields = []
    },
    'client'
  )
  t.strictSame(kept.metadata.managedFields, created.metadata.managedFields)
  const { managedFields: _gone, ...metadata } = created.metadata
  const untracked = { ...created, metadata }
  const scaled = update(
    untracked,
    (o) => {
      o.spec.replicas = 2
    },
    'client'
  )
  t.strictSame(scaled.metadata.managedFields, [])
})

t.test('at most ten updaters are remembered by name', async (t) => {
  let object = create({ spec: { replicas: 1 } })
  for (let i = 0; i < 20; i++) {
    object = update(
      object,
      (o) => {
        o.metadata.labels = { ...o.metadata.labels, [`l${String(i)}`]: 'x' }
      },
      `tool-${String(i)}`,
      2 + i
    )
  }
  t.equal(owners(object).length, 10)
  t.ok(owners(object).includes('tool-19 Update'))
  const ancient = object.metadata.managedFields?.find((e) => e.manager === 'ancient-changes')
  t.match(JSON.stringify(ancient?.fieldsV1), 'f:l3')
})
