import t from 'tap'
import type { Deployment, DeploymentStrategy, ReplicaSet } from '../../../src/api/types.js'
import { fencesOf } from '../../../src/controllers/deployment/fences.js'
import { currentSize, rollingStep, scalePlan } from '../../../src/controllers/deployment/plan.js'
import type { Resize } from '../../../src/controllers/deployment/plan.js'

const rolling = (maxSurge: number | string, maxUnavailable: number | string): DeploymentStrategy => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge, maxUnavailable }
})

const deployment = (replicas: number, strategy: DeploymentStrategy = rolling(1, 1)): Deployment => ({
  metadata: { name: 'd', uid: 'd', resourceVersion: '1' },
  spec: { replicas, strategy, selector: {}, template: {} }
})

let count = 0
const set = (
  name: string,
  replicas: number,
  available = replicas,
  desired?: number,
  max?: number
): ReplicaSet => ({
  metadata: {
    name,
    uid: name,
    resourceVersion: '1',
    creationTimestamp: new Date(Date.UTC(2026, 0, 1) + ++count * 1000).toISOString(),
    annotations: {
      ...(desired === undefined ? {} : { 'deployment.kubernetes.io/desired-replicas': String(desired) }),
      ...(max === undefined ? {} : { 'deployment.kubernetes.io/max-replicas': String(max) })
    }
  },
  spec: { replicas, selector: {} },
  status: { replicas, availableReplicas: available }
})
const sizes = (resizes: readonly Resize[]) =>
  resizes.map(({ set: { metadata }, replicas }) => `${metadata.name}=${String(replicas)}`)

t.test('fences', (t) => {
  const cases: [DeploymentStrategy, number, number, number][] = [
    [rolling('25%', '25%'), 3, 1, 0],
    [rolling('25%', '25%'), 10, 3, 2],
    [rolling(0, '10%'), 3, 0, 1],
    [rolling(0, 0), 3, 0, 1],
    [rolling(2, 9), 3, 2, 3],
    [{ type: 'Recreate' }, 3, 0, 0],
    [rolling('25%', '25%'), 0, 0, 0]
  ]
  for (const [strategy, replicas, maxSurge, maxUnavailable] of cases) {
    t.same(
      fencesOf(deployment(replicas, strategy)),
      { maxSurge, maxUnavailable },
      JSON.stringify([strategy, replicas])
    )
  }
  t.end()
})

t.test('the size of the current set', (t) => {
  const old = [set('old', 3)]
  t.equal(currentSize(deployment(3), { current: undefined, old }), 1)
  t.equal(currentSize(deployment(3), { current: undefined, old: [] }), 3)
  t.equal(currentSize(deployment(3), { current: set('new', 1), old }), 1, 'no room')
  t.equal(currentSize(deployment(3, { type: 'Recreate' }), { current: undefined, old }), 3)
  t.end()
})

t.test('steps of a rolling update', (t) => {
  const cases: [string, DeploymentStrategy, ReplicaSet, ReplicaSet[], string[]][] = [
    ['up first', rolling(1, 0), set('new', 0), [set('old', 3)], ['new=1']],
    ['wait for the new pod', rolling(1, 0), set('new', 1, 0), [set('old', 3)], []],
    ['one down for one up', rolling(1, 0), set('new', 1), [set('old', 3)], ['old=2']],
    ['down at once by maxUnavailable', rolling(1, 1), set('new', 1, 0), [set('old', 3)], ['old=2']],
    ['unhealthy old pods first', rolling(1, 1), set('new', 1), [set('o1', 1, 1), set('o2', 2, 0)], ['o2=0']],
    ['the oldest set first', rolling(1, 0), set('new', 2), [set('o1', 1), set('o2', 1)], ['o1=0']],
    ['a status that lags is not trusted', rolling(1, 0), set('new', 2), [set('old', 2, 3)], ['old=1']],
    ['nothing to do', rolling(1, 0), set('new', 3), [set('old', 0)], []],
    ['too many new', rolling(1, 0), set('new', 5), [], ['new=3']]
  ]
  for (const [name, strategy, current, old, expected] of cases) {
    t.same(sizes(rollingStep(deployment(3, strategy), { current, old })), expected, name)
  }
  t.end()
})

t.test('scaling', (t) => {
  t.same(
    sizes(scalePlan(deployment(5), { current: set('new', 3), old: [] })),
    ['new=5'],
    'the only active set'
  )
  t.same(
    sizes(
      scalePlan(deployment(10, rolling(2, 1)), {
        old: [set('old', 5, 5, 5, 7)],
        current: set('new', 2, 1, 5, 7)
      })
    ),
    ['old=9', 'new=3'],
    'in proportion'
  )
  t.same(
    sizes(
      scalePlan(deployment(2, rolling(1, 1)), {
        old: [set('old', 3, 3, 5, 6)],
        current: set('new', 3, 1, 5, 6)
      })
    ),
    ['old=1', 'new=2'],
    'down in proportion'
  )
  t.same(
    sizes(scalePlan(deployment(3), { old: [set('old', 2)], current: set('new', 3, 3, 3) })),
    ['old=0'],
    'a finished rollout drops the old'
  )
  t.same(
    sizes(scalePlan(deployment(0), { old: [set('old', 1, 1, 3, 4)], current: set('new', 2, 2, 3, 4) })),
    ['new=0', 'old=0']
  )
  t.end()
})
