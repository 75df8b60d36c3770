import t from 'tap'
import type { Pod } from '../../../src/api/types.js'
import { deletionOrder } from '../../../src/controllers/replica-set/deletion-order.js'

const now = new Date('2026-01-02T00:00:00Z')
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString()

interface Facts {
  nodeName?: string
  phase?: string
  readyMinutes?: number
  cost?: string
  restarts?: number
  ageMinutes?: number
}

function pod(name: string, facts: Facts): Pod {
  const { nodeName = 'a', phase = 'Running', readyMinutes, cost, restarts = 0, ageMinutes = 600 } = facts
  const annotations = cost === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': cost }
  const ready =
    readyMinutes === undefined
      ? []
      : [{ type: 'Ready', status: 'True', lastTransitionTime: ago(readyMinutes) }]
  return {
    metadata: { name, uid: name, resourceVersion: '1', annotations, creationTimestamp: ago(ageMinutes) },
    spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
    status: {
      phase,
      conditions: ready,
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }]
    }
  }
}

const cases: [name: string, first: Facts, second: Facts][] = [
  ['not assigned before assigned', { nodeName: '' }, { phase: 'Pending' }],
  ['pending before running', { phase: 'Pending' }, { phase: 'Running' }],
  ['not ready before ready', {}, { readyMinutes: 1 }],
  ['cheap before dear', { readyMinutes: 500, cost: '-5' }, { readyMinutes: 1, cost: '3' }],
  [
    'a cost that is no number counts as 0',
    { readyMinutes: 500, cost: '-1' },
    { readyMinutes: 1, cost: '01' }
  ],
  ['crowded nodes first', { readyMinutes: 500, nodeName: 'crowded' }, { readyMinutes: 1 }],
  ['lately ready before long ready', { readyMinutes: 1 }, { readyMinutes: 100 }],
  ['often restarted first', { readyMinutes: 100, restarts: 3 }, { readyMinutes: 100, restarts: 1 }],
  ['young before old', { readyMinutes: 5, ageMinutes: 10 }, { readyMinutes: 5, ageMinutes: 500 }]
]

for (const [name, first, second] of cases) {
  t.test(name, (t) => {
    const pods = [pod('z', second), pod('b', first)]
    const crowd = ({ spec }: Pod) => (spec.nodeName === 'crowded' ? 5 : 1)
    t.same(
      deletionOrder(pods, crowd, now).map(({ metadata }) => metadata.name),
      ['b', 'z']
    )
    t.same(
      deletionOrder(pods.reverse(), crowd, now).map(({ metadata }) => metadata.name),
      ['b', 'z']
    )
    t.end()
  })
}
