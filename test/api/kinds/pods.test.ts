import t from 'tap'
import { pods } from '../../../src/api/kinds/pods.js'
import { cells, make, problems } from '../support.js'

const container = (rest: object = {}) => ({ name: 'c', image: 'nginx:1', ...rest })
const pod = (spec: object = {}, rest: object = {}) => ({
  spec: { containers: [container()], ...spec },
  ...rest
})

t.test('defaults', async (t) => {
  const made = make(
    pods,
    pod({
      containers: [
        container({
          image: 'nginx',
          ports: [{ containerPort: 80 }],
          readinessProbe: { httpGet: { port: 80 } },
          livenessProbe: { grpc: { port: 1 } },
          env: [
            { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }
          ],
          resources: { limits: { cpu: '1000m', memory: '1024Mi' }, requests: { cpu: 0.5 } }
        })
      ],
      volumes: [
        { name: 'e' },
        { name: 'c', configMap: { name: 'x' } },
        { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }
      ]
    })
  )
  t.match(made.spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    containers: [
      {
        imagePullPolicy: 'Always',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        readinessProbe: {
          httpGet: { path: '/', scheme: 'HTTP', port: 80 },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3
        },
        livenessProbe: { grpc: { port: 1, service: '' } },
        env: [
          { valueFrom: { fieldRef: { apiVersion: 'v1' } } },
          { valueFrom: { resourceFieldRef: { divisor: '0' } } }
        ],
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } }
      }
    ],
    volumes: [
      { emptyDir: {} },
      { configMap: { defaultMode: 420 } },
      { projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3600 } }] } }
    ]
  })
  t.same(make(pods, pod()).spec.containers[0]?.resources, {}, 'resources are always written')
  t.same(make(pods, pod()).status, {}, 'status is always written')
})

t.test('pull policies follow the tag', async (t) => {
  const policy = (image: string) =>
    make(pods, pod({ containers: [container({ image })] })).spec.containers[0]?.imagePullPolicy
  const cases: [string, string][] = [
    ['a', 'Always'],
    ['a:latest', 'Always'],
    ['a:1', 'IfNotPresent'],
    ['localhost:5000/a', 'Always'],
    ['localhost:5000/a:2', 'IfNotPresent'],
    ['a@sha256:00', 'IfNotPresent']
  ]
  for (const [image, expected] of cases) t.equal(policy(image), expected, image)
})

t.test('the host network makes container ports host ports', async (t) => {
  const made = make(
    pods,
    pod({ hostNetwork: true, containers: [container({ ports: [{ containerPort: 80 }] })] })
  )
  t.equal(made.spec.containers[0]?.ports?.[0]?.hostPort, 80)
})

t.test('a new pod starts Pending with its quality of service', async (t) => {
  const qos = (resources: object) => {
    const made = make(pods, pod({ containers: [container({ resources })] }, { status: { phase: 'Running' } }))
    pods.prepareForCreate?.(made)
    t.equal(made.status?.phase, 'Pending')
    return made.status?.qosClass
  }
  t.equal(qos({}), 'BestEffort')
  t.equal(qos({ requests: { cpu: '1' } }), 'Burstable')
  t.equal(qos({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed')
  t.equal(qos({ limits: { cpu: '1' } }), 'Burstable')
})

t.test('a good pod is valid', async (t) => {
  t.same(
    problems(
      pods,
      pod({
        containers: [
          container({
            ports: [{ name: 'http', containerPort: 80 }],
            readinessProbe: { httpGet: { port: 'http' } },
            volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/b' }],
            resources: { requests: { cpu: '10m' }, limits: { cpu: 1 } },
            env: [{ name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }],
            lifecycle: { preStop: { sleep: { seconds: 2 } } }
          })
        ],
        initContainers: [
          { name: 'i', image: 'i' },
          { name: 's', image: 's', restartPolicy: 'Always', startupProbe: { tcpSocket: { port: 1 } } }
        ],
        volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
        tolerations: [{ operator: 'Exists' }]
      })
    ),
    []
  )
})

t.test('validation speaks as upstream', async (t) => {
  const cases: [object, string[]][] = [
    [{ containers: [] }, ['spec.containers: Required value']],
    [
      { containers: [{ name: 'C', image: '' }] },
      [
        'spec.containers[0].name: Invalid value: "C": a lowercase RFC 1123 label must consist of lower case alphanumeric characters ' +
          "or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
          "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        'spec.containers[0].image: Required value'
      ]
    ],
    [{ containers: [container(), container()] }, ['spec.containers[1].name: Duplicate value: "c"']],
    [
      { containers: [container({ ports: [{ containerPort: 70000 }] })] },
      [
        'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'
      ]
    ],
    [
      { containers: [container({ ports: [{ containerPort: 1, protocol: 'HTTP' }] })] },
      [
        'spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'
      ]
    ],
    [
      { containers: [container({ volumeMounts: [{ name: 'x', mountPath: '/x' }] })] },
      ['spec.containers[0].volumeMounts[0].name: Not found: "x"']
    ],
    [
      { containers: [container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } })] },
      [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'
      ]
    ],
    [
      { containers: [container({ resources: { limits: { cpus: '1' } } })] },
      [
        'spec.containers[0].resources.limits: Invalid value: "cpus": must be a standard resource type or fully qualified',
        'spec.containers[0].resources.requests: Invalid value: "cpus": must be a standard resource type or fully qualified'
      ]
    ],
    [
      { containers: [container({ livenessProbe: {} })] },
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type']
    ],
    [
      { containers: [container({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } })] },
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1']
    ],
    [
      {
        containers: [
          container({
            env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }]
          })
        ]
      },
      [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'
      ]
    ],
    [
      {
        containers: [container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] })]
      },
      [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.foo": supported values: "metadata.name", ' +
          '"metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", ' +
          '"status.podIP", "status.podIPs"'
      ]
    ],
    [
      { restartPolicy: 'Sometimes' },
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"']
    ],
    [
      { volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] },
      ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type']
    ],
    [
      { dnsPolicy: 'None' },
      ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']
    ],
    [
      { initContainers: [{ name: 'i', image: 'i', livenessProbe: { tcpSocket: { port: 1 } } }] },
      [
        'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'
      ]
    ],
    [
      { nodeSelector: { 'a b': 'c' } },
      [
        "spec.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must " +
          "start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
          "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
      ]
    ]
  ]
  for (const [spec, expected] of cases) t.same(problems(pods, pod(spec)), expected, expected[0] ?? '')
})

t.test('what cannot run is refused', async (t) => {
  const refused = (spec: object) => problems(pods, pod(spec)).join('\n')
  t.match(
    refused({ volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'x' } }] }),
    'spec.volumes[0].persistentVolumeClaim: Forbidden: mk does not support'
  )
  t.match(refused({ volumes: [{ name: 'd', csi: { driver: 'x' } }] }), 'spec.volumes[0].csi: Forbidden')
  t.match(refused({ runtimeClassName: 'gvisor' }), 'RuntimeClass "gvisor" not found')
  t.match(refused({ os: { name: 'windows' } }), 'spec.os: Forbidden')
  t.match(
    refused({ containers: [container({ volumeDevices: [{ name: 'a', devicePath: '/dev/x' }] })] }),
    'volumeDevices: Forbidden'
  )
  const withPort = (port: object) => ({
    containers: [container({ ports: [{ containerPort: 80, ...port }] })]
  })
  t.match(
    refused(withPort({ hostPort: 80 })),
    'spec.containers[0].ports[0].hostPort: Forbidden: mk does not publish ports of pods on the host; expose the pod with a Service'
  )
  t.equal(
    refused({ ...withPort({ hostPort: 80 }), hostNetwork: true }),
    '',
    'the host network needs no publishing'
  )
  t.match(
    refused({ resources: { limits: { cpu: '1' } } }),
    'spec.resources: Forbidden: mk does not support resources of'
  )
  t.match(
    refused({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'x' } } }),
    'spec.securityContext.seccompProfile.type: Forbidden'
  )
  t.match(
    refused({ containers: [container({ securityContext: { seccompProfile: { type: 'Localhost' } } })] }),
    'spec.containers[0].securityContext.seccompProfile.type: Forbidden'
  )
  t.match(
    refused({ securityContext: { supplementalGroupsPolicy: 'Strict' } }),
    'spec.securityContext.supplementalGroupsPolicy: Forbidden'
  )
  t.match(
    refused({ containers: [container({ restartPolicyRules: [{ action: 'Restart' }] })] }),
    'spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used'
  )
  t.match(
    refused({ ephemeralContainers: [{ name: 'debug', image: 'x' }] }),
    'spec.ephemeralContainers: Forbidden: cannot be set on create'
  )
})

t.test('where a pod may go', async (t) => {
  const node = (term: object, preferred: object[] = []) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
        preferredDuringSchedulingIgnoredDuringExecution: preferred
      }
    }
  })
  const at = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]'
  const cases: [object, string[]][] = [
    [node({ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }), []],
    [
      node({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
      [
        `${at}.matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`
      ]
    ],
    [
      node({ matchFields: [{ key: 'metadata.uid', operator: 'Exists' }] }),
      [
        `${at}.matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key`,
        `${at}.matchFields[0].operator: Invalid value: "Exists": not a valid selector operator`
      ]
    ],
    [
      node({ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, [
        { weight: 1, preference: { matchExpressions: [{ key: 'a', operator: 'Near' }] } }
      ]),
      [
        'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].operator: ' +
          'Invalid value: "Near": not a valid selector operator'
      ]
    ],
    [
      {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'zone',
            whenUnsatisfiable: 'ScheduleAnyway',
            minDomains: 2,
            nodeTaintsPolicy: 'Maybe'
          }
        ]
      },
      [
        'spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
        'spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "Maybe": supported values: "Honor", "Ignore"'
      ]
    ]
  ]
  for (const [spec, expected] of cases) t.same(problems(pods, pod(spec)), expected)
})

t.test('updates may change little', async (t) => {
  t.same(
    problems(pods, pod({ containers: [container({ image: 'nginx:2' })] }), pod()),
    [],
    'an image may change'
  )
  t.same(
    problems(pods, pod({ tolerations: [{ operator: 'Exists' }] }), pod()),
    [],
    'tolerations may be added'
  )
  t.match(problems(pods, pod({ nodeName: 'n' }), pod()), [
    /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`,`spec.initContainers/
  ])
  t.same(problems(pods, pod({ containers: [container(), container({ name: 'd' })] }), pod()), [
    'spec.containers: Forbidden: pod updates may not add or remove containers'
  ])
  t.same(problems(pods, pod({ activeDeadlineSeconds: 20 }), pod({ activeDeadlineSeconds: 10 })), [
    'spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'
  ])
})

t.test('grace periods', async (t) => {
  const grace = (spec: object, requested?: number, phase = 'Running') =>
    pods.gracePeriodSeconds?.(make(pods, pod(spec, { status: { phase } })), requested)
  t.equal(grace({ nodeName: 'n' }), 30)
  t.equal(grace({ nodeName: 'n' }, 5), 5)
  t.equal(grace({ nodeName: 'n' }, -3), 1)
  t.equal(grace({}), 0, 'unscheduled pods go at once')
  t.equal(grace({ nodeName: 'n' }, 5, 'Succeeded'), 0, 'finished pods go at once')
})

t.test('warnings', async (t) => {
  const warnings = (spec: object) => pods.warnings?.(make(pods, pod(spec))) ?? []
  t.same(warnings({}), [])
  t.same(
    warnings({
      containers: [
        container({
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' }
          ]
        })
      ]
    }),
    ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply']
  )
  t.same(
    warnings({
      containers: [
        container({
          env: [
            { name: 'A', value: '1' },
            { name: 'A', value: '$(A)2' }
          ]
        })
      ]
    }),
    []
  )
  t.same(warnings({ securityContext: { seLinuxOptions: {} } }), [
    'spec.securityContext.seLinuxOptions: mk does not apply SELinux options'
  ])
  const told: [object, RegExp][] = [
    [
      { schedulerName: 'mine' },
      /^spec\.schedulerName: mk runs the default-scheduler only; the pod waits until/
    ],
    [{ serviceAccountName: 'robot' }, /^spec\.serviceAccountName: mk has no RBAC yet: .*403/],
    [
      { containers: [container({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] })] },
      /^spec\.containers: mk does not resize pods in place/
    ],
    [
      { containers: [container({ securityContext: { appArmorProfile: { type: 'Unconfined' } } })] },
      /^spec\.securityContext\.appArmorProfile: mk leaves AppArmor to the engine/
    ],
    [
      { volumes: [{ name: 'a', emptyDir: { sizeLimit: '1Mi' } }] },
      /^spec\.volumes\[0\]\.emptyDir\.sizeLimit: mk does not enforce it on disk/
    ],
    [
      { containers: [container({ resources: { limits: { 'ephemeral-storage': '1Mi' } } })] },
      /^spec\.containers: mk does not enforce limits of ephemeral-storage/
    ]
  ]
  for (const [spec, text] of told) t.match(warnings(spec), [text])
  for (const [spec] of told) t.equal(warnings(spec).length, 1)
  t.same(warnings({ volumes: [{ name: 'a', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }] }), [])
  t.same(warnings({ schedulerName: 'default-scheduler', serviceAccountName: 'default' }), [])
})

t.test('selectable fields and columns', async (t) => {
  const made = make(
    pods,
    pod(
      { nodeName: 'n' },
      {
        metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
        status: { phase: 'Running', podIP: '10.1.0.2', podIPs: [{ ip: '10.1.0.2' }] }
      }
    )
  )
  const select = (field: string) => pods.selectableFields?.[field]?.(made)
  t.equal(select('spec.nodeName'), 'n')
  t.equal(select('spec.hostNetwork'), 'false')
  t.equal(select('status.podIP'), '10.1.0.2')
  t.same(cells(pods, made, new Date('2026-01-01T00:01:00Z')), {
    Name: 'a',
    Ready: '0/1',
    Status: 'Running',
    Restarts: '0',
    Age: '60s',
    IP: '10.1.0.2',
    Node: 'n',
    'Nominated Node': '<none>',
    'Readiness Gates': '<none>'
  })
})
