import t from 'tap'
import type { Pod } from '../../src/api/types.js'
import type { ClusterState } from '../../src/scheduler/cluster-state.js'
import { decide } from '../../src/scheduler/decide.js'
import { preemptionMessage, unschedulableMessage } from '../../src/scheduler/messages.js'
import { podInfo } from '../../src/scheduler/node-info.js'
import { filterPlugins as filters, scorePlugins as scores } from '../../src/scheduler/plugins/registry.js'
import { planPreemption } from '../../src/scheduler/preemption.js'
import { asking, clusterOf, makeNode, makePod } from './fixtures.js'

const sized = (name: string, cpu: string, priority: number) =>
  makePod(name, { containers: asking({ cpu }), priority })

function plan(pod: Pod, view: ClusterState) {
  const info = podInfo(pod)
  const { nodeName, rejections } = decide({ info, view, filters, scores })
  t.equal(nodeName, undefined, `${pod.metadata.name} fits nowhere at first`)
  const found = planPreemption({ info, view, filters, rejections })
  return found && [found.nodeName, ...found.victims.map(({ pod: victim }) => victim.metadata.name)]
}

t.test('only as many of the least important as needed', (t) => {
  const view = clusterOf([makeNode('a')], {
    a: [sized('low', '1', 1), sized('lower', '1', 0), sized('mid', '2', 5)]
  })
  t.same(plan(sized('p', '1', 10), view), ['a', 'lower'])
  t.same(plan(sized('q', '2', 10), view), ['a', 'low', 'lower'])
  t.same(plan(sized('r', '4', 10), view), ['a', 'mid', 'low', 'lower'])
  t.end()
})

t.test('never pods of the same or a higher priority', (t) => {
  const view = clusterOf([makeNode('a')], { a: [sized('x', '2', 10), sized('y', '2', 11)] })
  t.equal(plan(sized('p', '1', 10), view), undefined)
  t.end()
})

t.test('the node whose victims matter least', (t) => {
  const view = clusterOf([makeNode('a'), makeNode('b'), makeNode('c')], {
    a: [sized('a1', '4', 5)],
    b: [sized('b1', '2', 3), sized('b2', '2', 3)],
    c: [sized('c1', '4', 3)]
  })
  t.same(plan(sized('p', '4', 10), view), ['c', 'c1'])
  t.end()
})

t.test('not where taking pods away does not help', (t) => {
  const view = clusterOf(
    [makeNode('a', { unschedulable: true }), makeNode('b', { allocatable: { cpu: '1' } })],
    {
      a: [sized('a1', '4', 0)],
      b: [sized('b1', '1', 0)]
    }
  )
  const pod = sized('p', '2', 10)
  t.equal(plan(pod, view), undefined)
  const { rejections } = decide({ info: podInfo(pod), view, filters, scores })
  t.equal(
    unschedulableMessage(rejections, 2, preemptionMessage(rejections, 2)),
    '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. ' +
      'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.'
  )
  t.end()
})

t.test('room promised to a more important pod is not given away', (t) => {
  const view = clusterOf([makeNode('a')], { a: [sized('x', '2', 0)] })
  const nominated = new Map([['a', [podInfo(sized('vip', '2', 10))]]])
  const at = (priority: number) =>
    decide({ info: podInfo(sized(`p${String(priority)}`, '1', priority)), view, filters, scores, nominated })
      .nodeName
  t.equal(at(1), undefined)
  t.equal(at(11), 'a')
  t.end()
})

t.test('anti-affinity is solved by taking away who repels', (t) => {
  const repelling = makePod('x', {
    priority: 0,
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'kubernetes.io/hostname' }
        ]
      }
    }
  })
  const view = clusterOf([makeNode('a')], { a: [repelling, makePod('y', { priority: 0 })] })
  t.same(plan(makePod('p', { labels: { app: 'web' }, priority: 1 }), view), ['a', 'x'])
  t.end()
})
