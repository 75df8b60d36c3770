import t from 'tap'
import type { Pod } from '../../src/api/types.js'
import type { ClusterView } from '../../src/scheduler/cluster-state.js'
import { decide } from '../../src/scheduler/decide.js'
import { podInfo } from '../../src/scheduler/node-info.js'
import { filterPlugins, scorePlugins } from '../../src/scheduler/plugins/registry.js'
import { asking, clusterOf, makeNode, makePod } from './fixtures.js'

/** Where the pod may go, and why not elsewhere. */
function fit(pod: Pod, view: ClusterView) {
  const { nodeName, rejections } = decide({
    info: podInfo(pod),
    view,
    filters: filterPlugins,
    scores: scorePlugins
  })
  const refused = Object.fromEntries([...rejections].map(([name, { reasons }]) => [name, reasons.join('; ')]))
  return { nodeName, refused }
}

const zoned = (name: string, zone: string) => makeNode(name, { labels: { zone } })
const near = (labels: Record<string, string>, topologyKey = 'zone') => ({
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels }, topologyKey }]
  }
})
const apart = (labels: Record<string, string>, topologyKey = 'zone') => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels }, topologyKey }]
  }
})
const web = { app: 'web' }
const noSchedule = { key: 'k', value: 'v', effect: 'NoSchedule' }

const filterCases: [name: string, pod: Pod, view: ClusterView, refused: Record<string, string>][] = [
  ['an empty node takes a pod', makePod('p'), clusterOf([makeNode('a')]), {}],
  [
    'cordoned',
    makePod('p'),
    clusterOf([makeNode('a', { unschedulable: true })]),
    { a: 'node(s) were unschedulable' }
  ],
  [
    'cordoned, tolerated',
    makePod('p', { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }),
    clusterOf([makeNode('a', { unschedulable: true })]),
    {}
  ],
  [
    'taint',
    makePod('p'),
    clusterOf([
      makeNode('a', { taints: [noSchedule] }),
      makeNode('b', { taints: [{ key: 'x', effect: 'NoExecute' }] })
    ]),
    { a: 'node(s) had untolerated taint {k: v}', b: 'node(s) had untolerated taint {x: }' }
  ],
  [
    'taint, tolerated by value; another value is not',
    makePod('p', { tolerations: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }),
    clusterOf([
      makeNode('a', { taints: [noSchedule] }),
      makeNode('b', { taints: [{ ...noSchedule, value: 'other' }] })
    ]),
    { b: 'node(s) had untolerated taint {k: other}' }
  ],
  [
    'a toleration without key tolerates all',
    makePod('p', { tolerations: [{ operator: 'Exists' }] }),
    clusterOf([makeNode('a', { taints: [noSchedule] })]),
    {}
  ],
  [
    'nodeSelector',
    makePod('p', { nodeSelector: { disk: 'ssd' } }),
    clusterOf([makeNode('a'), makeNode('b', { labels: { disk: 'ssd' } })]),
    { a: "node(s) didn't match Pod's node affinity/selector" }
  ],
  [
    'node affinity: operators and fields, terms are alternatives',
    makePod('p', {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'cores', operator: 'Gt', values: ['4'] },
                  { key: 'old', operator: 'DoesNotExist' }
                ]
              },
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['c'] }] },
              {}
            ]
          }
        }
      }
    }),
    clusterOf([
      makeNode('a', { labels: { cores: '4' } }),
      makeNode('b', { labels: { cores: '8', old: '' } }),
      makeNode('c'),
      makeNode('d', { labels: { cores: '8' } })
    ]),
    {
      a: "node(s) didn't match Pod's node affinity/selector",
      b: "node(s) didn't match Pod's node affinity/selector"
    }
  ],
  [
    'resources: what is left counts, all that lack are named',
    makePod('p', { containers: asking({ cpu: '3', memory: '5Gi', 'example.com/foo': '1' }) }),
    clusterOf([makeNode('a'), makeNode('b', { allocatable: { 'example.com/foo': '2' } })], {
      a: [makePod('x', { containers: asking({ cpu: '2', memory: '4Gi' }) })]
    }),
    { a: 'Insufficient cpu; Insufficient memory; Insufficient example.com/foo' }
  ],
  [
    'resources: an init container counts by its peak beside earlier sidecars',
    makePod('p', {
      containers: asking({ cpu: '1' }),
      initContainers: [
        { name: 's', image: 'app', restartPolicy: 'Always', resources: { requests: { cpu: '1500m' } } },
        { name: 'i', image: 'app', resources: { requests: { cpu: '2' } } }
      ]
    }),
    clusterOf([
      makeNode('a', { allocatable: { cpu: '3500m' } }),
      makeNode('b', { allocatable: { cpu: '3499m' } })
    ]),
    { b: 'Insufficient cpu' }
  ],
  [
    'the number of pods',
    makePod('p'),
    clusterOf([makeNode('a', { allocatable: { pods: '1' } })], { a: [makePod('x')] }),
    { a: 'Too many pods' }
  ],
  [
    'host ports: 0.0.0.0 conflicts with every address, protocols are apart',
    makePod('p', {
      containers: [
        { name: 'c', image: 'app', ports: [{ containerPort: 1, hostPort: 80, hostIP: '127.0.0.1' }] }
      ]
    }),
    clusterOf([makeNode('a'), makeNode('b'), makeNode('c')], {
      a: [makePod('x', { containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80 }] }] })],
      b: [
        makePod('y', {
          containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80, protocol: 'UDP' }] }]
        })
      ],
      c: [
        makePod('z', {
          containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80, hostIP: '127.0.0.2' }] }]
        })
      ]
    }),
    { a: "node(s) didn't have free ports for the requested pod ports" }
  ],
  [
    'pod affinity: the whole domain of a matching pod',
    makePod('p', { affinity: near(web) }),
    clusterOf([zoned('a', '1'), zoned('b', '1'), zoned('c', '2'), makeNode('d')], {
      a: [makePod('x', { labels: web })]
    }),
    { c: "node(s) didn't match pod affinity rules", d: "node(s) didn't match pod affinity rules" }
  ],
  [
    'pod affinity: the first of a group goes anywhere with the label',
    makePod('p', { labels: web, affinity: near(web) }),
    clusterOf([zoned('a', '1'), makeNode('d')]),
    { d: "node(s) didn't match pod affinity rules" }
  ],
  [
    'pod anti-affinity',
    makePod('p', { affinity: apart(web) }),
    clusterOf([zoned('a', '1'), zoned('b', '1'), zoned('c', '2')], { a: [makePod('x', { labels: web })] }),
    {
      a: "node(s) didn't match pod anti-affinity rules",
      b: "node(s) didn't match pod anti-affinity rules"
    }
  ],
  [
    'anti-affinity of pods already there',
    makePod('p', { labels: web }),
    clusterOf([zoned('a', '1'), zoned('b', '2')], { a: [makePod('x', { affinity: apart(web) })] }),
    { a: "node(s) didn't satisfy existing pods anti-affinity rules" }
  ],
  [
    'anti-affinity is for the own namespace unless told',
    makePod('p', {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              labelSelector: { matchLabels: web },
              namespaceSelector: { matchLabels: { team: 'x' } },
              topologyKey: 'zone'
            }
          ]
        }
      }
    }),
    clusterOf(
      [zoned('a', '1'), zoned('b', '2')],
      {
        a: [makePod('x', { labels: web })],
        b: [{ ...makePod('y'), metadata: { ...makePod('y').metadata, namespace: 'other', labels: web } }]
      },
      { other: { team: 'x' } }
    ),
    { b: "node(s) didn't match pod anti-affinity rules" }
  ],
  [
    'topology spread',
    makePod('p', {
      labels: web,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: web }
        }
      ]
    }),
    clusterOf([zoned('a', '1'), zoned('b', '2'), makeNode('c')], { a: [makePod('x', { labels: web })] }),
    {
      a: "node(s) didn't match pod topology spread constraints",
      c: "node(s) didn't match pod topology spread constraints (missing required label)"
    }
  ]
]

for (const [name, pod, view, refused] of filterCases) {
  t.test(`filter: ${name}`, (t) => {
    t.same(fit(pod, view).refused, refused)
    t.end()
  })
}

const scoreCases: [name: string, pod: Pod, view: ClusterView, nodeName: string][] = [
  [
    'the emptier node',
    makePod('p'),
    clusterOf([makeNode('a'), makeNode('b')], {
      a: [makePod('x', { containers: asking({ cpu: '2', memory: '4Gi' }) })]
    }),
    'b'
  ],
  [
    'preferred node affinity outweighs emptiness',
    makePod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 1,
              preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] }
            }
          ]
        }
      }
    }),
    clusterOf([makeNode('a', { labels: { disk: 'ssd' } }), makeNode('b')], {
      a: [makePod('x', { containers: asking({ cpu: '1', memory: '2Gi' }) })]
    }),
    'a'
  ],
  [
    'no PreferNoSchedule taint',
    makePod('p'),
    clusterOf([makeNode('a', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] }), makeNode('b')]),
    'b'
  ],
  [
    'preferred pod affinity',
    makePod('p', {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 5, podAffinityTerm: { labelSelector: { matchLabels: web }, topologyKey: 'zone' } }
          ]
        }
      }
    }),
    clusterOf([zoned('a', '1'), zoned('b', '2'), zoned('c', '2')], { b: [makePod('x', { labels: web })] }),
    'c'
  ],
  [
    'preferred spread',
    makePod('p', {
      labels: web,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: web }
        }
      ]
    }),
    clusterOf([zoned('a', '1'), zoned('b', '2')], {
      a: [makePod('x', { labels: web })],
      b: [makePod('y', { containers: asking({ cpu: '1' }) })]
    }),
    'b'
  ]
]

for (const [name, pod, view, nodeName] of scoreCases) {
  t.test(`score: ${name}`, (t) => {
    t.equal(fit(pod, view).nodeName, nodeName)
    t.end()
  })
}

t.test('pods of one controller are spread over nodes', (t) => {
  const view = clusterOf([makeNode('a'), makeNode('b'), makeNode('c')])
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }
  for (let i = 0; i < 6; i++) {
    const pod = makePod(`p${String(i)}`)
    pod.metadata.ownerReferences = [owner]
    view.place(pod, fit(pod, view).nodeName ?? '')
  }
  t.same(
    [...view.nodes.values()].map(({ pods }) => pods.size),
    [2, 2, 2]
  )
  t.end()
})

t.test('a decision takes less than a millisecond', (t) => {
  const view = clusterOf(
    ['a', 'b', 'c', 'd'].map((name) => makeNode(name, { allocatable: { cpu: '64', pods: '1000' } }))
  )
  const pods = Array.from({ length: 1000 }, (_, i) =>
    makePod(`p${String(i)}`, { containers: asking({ cpu: '10m', memory: '1Mi' }) })
  )
  const start = process.cpuUsage()
  for (const pod of pods) view.place(pod, fit(pod, view).nodeName ?? '')
  const { user } = process.cpuUsage(start)
  t.comment(`${String(user / 1000 / 1000)} ms a pod`)
  t.ok(user / 1000 < 1000)
  t.end()
})
