import t from 'tap'
import { services } from '../../../src/api/kinds/services.js'
import { cells, make, problems } from '../support.js'

const service = (spec: object = {}, rest: object = {}) => ({
  spec: { ports: [{ port: 80 }], ...spec },
  ...rest
})

t.test('defaults', async (t) => {
  t.match(make(services, service()), {
    spec: {
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }]
    },
    status: { loadBalancer: {} }
  })
  t.same(make(services, service({ sessionAffinity: 'ClientIP' })).spec.sessionAffinityConfig, {
    clientIP: { timeoutSeconds: 10800 }
  })
  t.match(make(services, service({ type: 'LoadBalancer' })).spec, {
    externalTrafficPolicy: 'Cluster',
    allocateLoadBalancerNodePorts: true
  })
  t.same(make(services, service({ clusterIP: 'None' })).spec.clusterIPs, ['None'])
  t.equal(
    make(services, service({ type: 'ExternalName', externalName: 'x.example' })).spec.ipFamilies,
    undefined
  )
  t.doesNotThrow(() => make(services, {}))
})

t.test('validation', async (t) => {
  t.same(problems(services, service()), [])
  t.same(problems(services, { spec: { clusterIP: 'None' } }), [], 'a headless service needs no ports')
  const cases: [object, string[]][] = [
    [{ ports: [] }, ['spec.ports: Required value']],
    [
      { type: 'Magic' },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
      ]
    ],
    [{ ports: [{ port: 80 }, { name: 'b', port: 81 }] }, ['spec.ports[0].name: Required value']],
    [
      {
        ports: [
          { name: 'a', port: 80 },
          { name: 'a', port: 81 }
        ]
      },
      ['spec.ports[1].name: Duplicate value: "a"']
    ],
    [
      { ports: [{ port: 0 }] },
      [
        'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive'
      ]
    ],
    [
      { ports: [{ port: 80, nodePort: 30000 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]
    ],
    [
      { type: 'NodePort', clusterIP: 'None' },
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services']
    ],
    [{ type: 'ExternalName' }, ['spec.externalName: Required value']],
    [
      { clusterIP: 'x' },
      [
        'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
      ]
    ],
    [{ ipFamilies: ['IPv6'] }, ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster']],
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      [
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'
      ]
    ],
    [
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400'
      ]
    ],
    [
      { loadBalancerClass: 'x' },
      ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"]
    ]
  ]
  for (const [spec, expected] of cases) t.same(problems(services, service(spec)), expected, expected[0] ?? '')
})

t.test('the cluster IP may not change', async (t) => {
  const old = service({ clusterIP: '10.96.0.5' })
  t.same(problems(services, service({ clusterIP: '10.96.0.6' }), old), [
    'spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set'
  ])
  t.same(problems(services, service(), old), [
    'spec.clusterIPs[0]: Invalid value: []: primary clusterIP can not be unset'
  ])
})

const update = (spec: object, oldSpec: object) => {
  const [next, old] = [make(services, service(spec)), make(services, service(oldSpec))]
  services.prepareForUpdate?.(next, old)
  return next.spec
}

t.test('updates keep what was allocated', async (t) => {
  t.match(update({}, { clusterIP: '10.96.0.5' }), { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] })
  t.equal(
    update({ type: 'NodePort' }, { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }).ports?.[0]
      ?.nodePort,
    30001
  )
  t.equal(
    update(
      { type: 'NodePort', ports: [{ port: 81 }] },
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }
    ).ports?.[0]?.nodePort,
    undefined,
    'another port gets another number'
  )
})

t.test('updates drop what the new type has no use for', async (t) => {
  const external = update(
    { type: 'ExternalName', externalName: 'x.example', clusterIP: '10.96.0.5' },
    { clusterIP: '10.96.0.5' }
  )
  t.equal(external.clusterIP, undefined)
  t.equal(external.ipFamilies, undefined)
  const plain = update(
    { ports: [{ port: 80, nodePort: 30001 }] },
    { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }
  )
  t.equal(plain.ports?.[0]?.nodePort, undefined)
})

t.test('columns', async (t) => {
  const shown = (spec: object, rest: object = {}) =>
    cells(services, make(services, service(spec, rest)), new Date())
  t.match(shown({ clusterIP: '10.96.0.5', selector: { b: '1', a: '2' } }), {
    Type: 'ClusterIP',
    'Cluster-IP': '10.96.0.5',
    'External-IP': '<none>',
    'Port(s)': '80/TCP',
    Selector: 'a=2,b=1'
  })
  t.match(shown({ type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }), {
    'Port(s)': '80:30001/TCP',
    'Cluster-IP': '<none>'
  })
  t.match(shown({ type: 'LoadBalancer' }), { 'External-IP': '<pending>' })
  t.match(shown({ type: 'LoadBalancer' }, { status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } } }), {
    'External-IP': '127.0.0.1'
  })
  t.match(shown({ type: 'ExternalName', externalName: 'x.example', ports: [] }), {
    'External-IP': 'x.example',
    'Port(s)': '<none>'
  })
})

t.test('what the proxy does not do is warned about', async (t) => {
  t.same(services.warnings?.(make(services, service())), [])
  t.same(services.warnings?.(make(services, service({ ports: [{ port: 1, protocol: 'SCTP' }] }))), [
    'spec.ports: mk does not forward SCTP'
  ])
  const balancer = { type: 'LoadBalancer', ports: [{ port: 1 }] }
  const told: [object, string[]][] = [
    [{ externalIPs: ['1.2.3.4'] }, ['spec.externalIPs']],
    [{ ...balancer, loadBalancerSourceRanges: ['10.0.0.0/8'] }, ['spec.loadBalancerSourceRanges']],
    [{ ...balancer, loadBalancerIP: '1.2.3.4' }, ['spec.loadBalancerIP']],
    [{ ...balancer, loadBalancerClass: 'a.b/c' }, ['spec.loadBalancerClass']],
    [
      { ...balancer, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 },
      ['spec.externalTrafficPolicy', 'spec.healthCheckNodePort']
    ],
    [{ internalTrafficPolicy: 'Local' }, ['spec.internalTrafficPolicy']],
    [{ trafficDistribution: 'PreferClose' }, ['spec.trafficDistribution']],
    [{ ipFamilyPolicy: 'PreferDualStack' }, ['spec.ipFamilyPolicy']]
  ]
  for (const [spec, fields] of told) {
    const warnings = services.warnings?.(make(services, service(spec))) ?? []
    t.same(
      warnings.map((text) => text.split(':')[0]),
      fields
    )
  }
  t.match(problems(services, service({ trafficDistribution: 'PreferFar' })), [
    /trafficDistribution: Unsupported value/
  ])
})
