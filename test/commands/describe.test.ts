import t from 'tap'
import { startFakeApi } from '../cli/support.js'

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()
const list = (...items: unknown[]) => ({ kind: 'List', metadata: { resourceVersion: '5' }, items })
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp: ago(60),
    labels: { app: 'web' },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', note: 'mine' },
    ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', controller: true, uid: 'r' }]
  },
  spec: {
    nodeName: 'node-1',
    containers: [
      {
        name: 'main',
        image: 'nope:v1',
        ports: [{ name: 'http', containerPort: 80 }],
        readinessProbe: { httpGet: { path: '/healthz', port: 'http' } },
        resources: { limits: { cpu: '1', memory: '64Mi' } },
        env: [
          { name: 'PLAIN', value: 'x' },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }
        ],
        volumeMounts: [{ name: 'conf', mountPath: '/etc/conf', readOnly: true }]
      }
    ],
    volumes: [
      { name: 'conf', configMap: { name: 'cm' } },
      { name: 'scratch', emptyDir: {} }
    ]
  },
  status: {
    phase: 'Pending',
    podIP: '10.1.0.5',
    conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
    containerStatuses: [
      {
        name: 'main',
        restartCount: 2,
        ready: false,
        state: { waiting: { reason: 'ErrImagePull', message: 'denied' } }
      }
    ]
  }
})
const event = (about: string, reason: string, more: object = {}) => ({
  metadata: { name: reason },
  type: 'Warning',
  reason,
  message: `${reason} happened`,
  lastTimestamp: ago(5),
  firstTimestamp: ago(65),
  count: 3,
  source: { component: 'kubelet' },
  involvedObject: { kind: 'Pod', name: 'web-1-a', uid: about },
  ...more
})
const pods = '/api/v1/namespaces/default/pods'

t.test('a pod says why it does not run', async (t) => {
  const api = await startFakeApi(t, {
    [`${pods}/web-1-a`]: () => ({ body: pod('web-1-a') }),
    [pods]: () => ({ body: list(pod('web-1-a'), pod('web-1-b')) }),
    '/api/v1/namespaces/default/events': () => ({
      body: list(
        event('uid-web-1-a', 'Failed'),
        event('another pod of this name', 'Stale'),
        event('uid-web-1-a', 'Pulling', { lastTimestamp: ago(9), count: 1 })
      )
    })
  })
  const { stdout, code } = await api.run(['describe', 'pod', 'web-1-a'])
  t.equal(code, 0)
  for (const text of [
    /^Name: +web-1-a$/m,
    /^Labels: +app=web$/m,
    /^Annotations: +note: mine$/m,
    /^Controlled By: +ReplicaSet\/web-1$/m,
    /^Node: +node-1$/m,
    /^IP: +10\.1\.0\.5$/m,
    /Image: +nope:v1/,
    /Ports: +http 80\/TCP/,
    /Limits: +cpu: 1, memory: 64Mi/,
    /Readiness: +http-get http:\/\/:http\/healthz delay=0s timeout=1s period=10s #success=1 #failure=3/,
    /PLAIN: x/,
    /TOKEN: <set to the key 'k' in secret 's'>/,
    /\/etc\/conf from conf \(ro\)/,
    /conf: +configMap cm/,
    /scratch: +emptyDir/,
    /State: +Waiting: ErrImagePull\n +denied/,
    /Restart Count: +2/,
    /Ready: +False {2}ContainersNotReady/,
    /Type +Reason +Age +From +Message\n +Warning +Pulling +\d+s +kubelet +Pulling happened\n +Warning +Failed +\d+s \(x3 over \d+s\) +kubelet/
  ])
    t.match(stdout, text)
  t.notMatch(stdout, 'Stale')
  const both = (await api.run(['describe', 'pod', 'web-1'])).stdout
  t.match(both, /web-1-a[\s\S]*web-1-b/, 'a prefix names several')
  const missing = await api.run(['describe', 'pod', 'zzz'])
  t.equal(missing.code, 1)
  t.equal(missing.stderr, 'Error from server (NotFound): pods "zzz" not found\n')
})

t.test('services with endpoints, deployments with replica sets, any kind', async (t) => {
  const metadata = { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1' }
  const api = await startFakeApi(t, {
    '/api/v1/namespaces/default/services/web': () => ({
      body: {
        kind: 'Service',
        metadata,
        spec: {
          selector: { app: 'web' },
          clusterIP: '10.96.0.7',
          type: 'NodePort',
          ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30080 }]
        }
      }
    }),
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices': () => ({
      body: list({
        ports: [{ name: 'http', port: 8080 }],
        endpoints: [
          { addresses: ['10.1.0.5'], conditions: { ready: true } },
          { addresses: ['10.1.0.6'], conditions: { ready: false } }
        ]
      })
    }),
    '/apis/apps/v1/namespaces/default/deployments/web': () => ({
      body: {
        kind: 'Deployment',
        metadata,
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'web' } },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
          template: { spec: { containers: [{ name: 'c', image: 'web:v1' }] } }
        },
        status: { replicas: 2, updatedReplicas: 2, availableReplicas: 1, unavailableReplicas: 1 }
      }
    }),
    '/apis/apps/v1/namespaces/default/replicasets': () => ({
      body: list(
        {
          metadata: { name: 'web-2', ownerReferences: [{ uid: 'u' }] },
          spec: { replicas: 2 },
          status: { replicas: 2 }
        },
        {
          metadata: { name: 'web-1', ownerReferences: [{ uid: 'u' }] },
          spec: { replicas: 0 },
          status: { replicas: 0 }
        }
      )
    }),
    '/api/v1/namespaces/default/configmaps/web': () => ({
      body: { kind: 'ConfigMap', metadata, data: { a: 'b' } }
    }),
    '/api/v1/namespaces/default/events': () => ({ body: list() })
  })
  const service = (await api.run(['describe', 'svc/web'])).stdout
  t.match(service, /Endpoints: +10\.1\.0\.5:8080$/m)
  t.match(service, /NodePort: +http {2}30080\/TCP/)
  t.match(service, /^Events: +<none>$/m)
  const deployment = (await api.run(['describe', 'deploy', 'web'])).stdout
  t.match(deployment, '2 desired | 2 updated | 2 total | 1 available | 1 unavailable')
  t.match(deployment, /Old ReplicaSets: +web-1 \(0\/0 replicas created\)/)
  t.match(deployment, '0 max unavailable, 25% max surge')
  t.match((await api.run(['describe', 'cm', 'web'])).stdout, /Data:\n {2}a: b/)
})
