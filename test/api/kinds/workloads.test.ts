import t from 'tap'
import { deployments } from '../../../src/api/kinds/deployments.js'
import { replicaSets } from '../../../src/api/kinds/replica-sets.js'
import type { Kind } from '../../../src/api/kind.js'
import { cells, make, problems } from '../support.js'

const template = (labels: object = { app: 'a' }, spec: object = {}) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec }
})
const workload = (spec: object = {}) => ({
  spec: { selector: { matchLabels: { app: 'a' } }, template: template(), ...spec }
})

t.test('deployment defaults', async (t) => {
  const { spec, status } = make(deployments, workload())
  t.match(spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    template: {
      spec: { containers: [{ resources: {}, imagePullPolicy: 'IfNotPresent' }], restartPolicy: 'Always' }
    }
  })
  t.same(status, {})
  t.same(make(deployments, workload({ strategy: { type: 'Recreate' } })).spec.strategy, { type: 'Recreate' })
  t.equal(spec.template.spec?.enableServiceLinks, undefined, 'a default of pods, not of templates')
  t.doesNotThrow(() => problems(deployments, {}), 'a missing spec is for validation')
})

t.test('deployment validation', async (t) => {
  t.same(problems(deployments, workload()), [])
  const cases: [object, string[]][] = [
    [{ selector: undefined }, ['spec.selector: Required value']],
    [{ selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    [
      { template: template({ app: 'b' }) },
      [
        'spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` does not match template `labels`'
      ]
    ],
    [{ replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      { template: template({ app: 'a' }, { restartPolicy: 'Never' }) },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']
    ],
    [
      { strategy: { type: 'Recreate', rollingUpdate: {} } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]
    ],
    [
      { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0']
    ],
    [
      { strategy: { rollingUpdate: { maxUnavailable: '150%' } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%']
    ],
    [
      { strategy: { type: 'Blue' } },
      ['spec.strategy.type: Unsupported value: "Blue": supported values: "Recreate", "RollingUpdate"']
    ],
    [
      { minReadySeconds: 700 },
      ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds']
    ]
  ]
  for (const [spec, expected] of cases)
    t.same(problems(deployments, workload(spec)), expected, expected[0] ?? '')
})

t.test('the selector is immutable', async (t) => {
  const changed = workload({ selector: { matchLabels: { app: 'b' } }, template: template({ app: 'b' }) })
  for (const kind of [deployments, replicaSets]) {
    t.same(
      kind === deployments
        ? problems(deployments, changed, workload())
        : problems(replicaSets, changed, workload()),
      ['spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable']
    )
  }
})

t.test('scale and columns', async (t) => {
  const made = make(deployments, {
    ...workload({ replicas: 3 }),
    status: { replicas: 2, readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 }
  })
  t.same(deployments.scale?.get(made), { specReplicas: 3, statusReplicas: 2, selector: 'app=a' })
  deployments.scale?.setReplicas(made, 5)
  t.equal(made.spec.replicas, 5)
  t.match(cells(deployments, made, new Date()), {
    Name: 'a',
    Ready: '1/5',
    'Up-to-date': 2,
    Available: 1,
    Containers: 'c',
    Images: 'i:1',
    Selector: 'app=a'
  })
})

t.test('replica sets', async (t) => {
  const made = make(replicaSets, workload())
  replicaSets.prepareForCreate?.(made)
  t.same(made.status, { replicas: 0 })
  t.equal(made.spec.replicas, 1)
  t.match(cells(replicaSets, made, new Date()), { Desired: 1, Current: 0, Ready: 0 })
  t.same(problems(replicaSets, { spec: { selector: { matchLabels: { app: 'a' } } } }).slice(0, 1), [
    'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`'
  ])
})

t.test('what pods of a template will not get is told when it is created or changed', async (t) => {
  const limited = workload({
    template: template({ app: 'a' }, { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }] })
  })
  for (const kind of [deployments, replicaSets] as unknown as Kind[]) {
    const warnings = (object: object, old?: object) =>
      kind.warnings?.(make(kind, object), old === undefined ? undefined : make(kind, old))
    t.match(warnings(limited), [
      /^spec\.template\.spec\.volumes\[0\]\.emptyDir\.sizeLimit: mk does not enforce it/
    ])
    t.equal(warnings(limited, workload())?.length, 1)
    t.same(warnings(limited, limited), [])
    t.same(warnings(workload()), [])
  }
})
