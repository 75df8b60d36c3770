import t from 'tap'
import type { Container, PodSpec } from '../../src/api/types.js'
import { containerSpec } from '../../src/kubelet/container-spec.js'
import { unsupportedFeature } from '../../src/kubelet/unsupported.js'
import type { ImageState } from '../../src/runtime/runtime.js'
import { container, podObject } from './fixture.js'
import { sandbox } from './view.js'

const image: ImageState = {
  id: 'sha256:1',
  tags: [],
  digests: [],
  sizeBytes: 1,
  user: '',
  entrypoint: [],
  cmd: [],
  volumes: []
}
const gibibyte = 2 ** 30

function spec(fields: Partial<Container>, pod: Partial<PodSpec> = {}, user = '') {
  const only = container('app', fields)
  return containerSpec({
    pod: podObject('web', { containers: [only], ...pod }),
    nodeName: 'node-1',
    container: only,
    kind: 'app',
    attempt: 2,
    backoffMs: 10_000,
    sandbox: sandbox(),
    image: { ...image, user },
    env: new Map([['WHO', 'you']]),
    mounts: [],
    terminationMessageFile: '/tmp/m',
    nodeMemoryBytes: 8 * gibibyte
  })
}

t.test('commands are expanded', async (t) => {
  t.match(spec({ command: ['echo', '$(WHO)'], args: ['$$(WHO)', '$(NOPE)'] }), {
    command: ['echo', 'you'],
    args: ['$(WHO)', '$(NOPE)']
  })
  const plain = spec({})
  t.notOk('command' in plain || 'args' in plain)
  t.match(plain, {
    podUid: 'uid-1',
    attempt: 2,
    sandboxId: 'sandbox-1',
    env: [{ name: 'WHO', value: 'you' }]
  })
})

t.test('users', async (t) => {
  t.equal(spec({}).user, undefined, 'the image decides')
  t.equal(spec({}, { securityContext: { runAsUser: 1, runAsGroup: 2 } }).user, '1:2')
  t.equal(spec({ securityContext: { runAsUser: 5 } }, { securityContext: { runAsUser: 1 } }).user, '5')
  t.equal(spec({ securityContext: { runAsGroup: 7 } }, {}, 'app').user, 'app:7')
  t.same(spec({}, { securityContext: { fsGroup: 9, supplementalGroups: [3, 9] } }).supplementalGroups, [3, 9])
})

t.test('runAsNonRoot is checked against the image', async (t) => {
  const nonRoot = { securityContext: { runAsNonRoot: true } }
  t.throws(() => spec(nonRoot), {
    message:
      /^container has runAsNonRoot and image will run as root \(pod: "web_default\(uid-1\)", container: app\)$/
  })
  t.throws(() => spec(nonRoot, {}, 'nginx'), {
    message: /image has non-numeric user \(nginx\), cannot verify user is non-root/
  })
  t.throws(() => spec({ securityContext: { runAsNonRoot: true, runAsUser: 0 } }), {
    message: /runAsUser breaks non-root policy/
  })
  t.equal(spec(nonRoot, {}, '101:101').user, undefined)
  t.equal(spec({ securityContext: { runAsNonRoot: true, runAsUser: 3 } }).user, '3')
})

t.test('privileges', async (t) => {
  const securityContext = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
    seccompProfile: { type: 'Unconfined' }
  }
  t.match(spec({ securityContext }), {
    noNewPrivileges: true,
    readOnlyRootFilesystem: true,
    privileged: false,
    capabilitiesAdd: ['NET_ADMIN'],
    capabilitiesDrop: ['ALL'],
    seccompProfile: 'unconfined'
  })
  t.throws(() => spec({ securityContext: { seccompProfile: { type: 'Localhost' } } }), {
    message: /not supported by mk/
  })
})

t.test('resources and OOM score', async (t) => {
  const full = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '250m', memory: '64Mi' } }
  t.same(spec({ resources: full }).resources, {
    cpuRequest: 250,
    cpuLimit: 500,
    memoryLimitBytes: 64 * 2 ** 20
  })
  t.same(spec({ resources: { limits: { cpu: '1' } } }).resources, { cpuRequest: 1000, cpuLimit: 1000 })
  t.equal(spec({}).oomScoreAdj, 1000, 'BestEffort')
  const same = { cpu: '1', memory: '1Gi' }
  t.equal(spec({ resources: { limits: same, requests: same } }).oomScoreAdj, -997, 'Guaranteed')
  t.equal(spec({ resources: { requests: { memory: '4Gi' } } }).oomScoreAdj, 500, 'Burstable: by its share')
  t.equal(spec({}, { priority: 2_000_001_000 }).oomScoreAdj, -997, 'critical')
})

t.test('what mk can not do is refused by name', async (t) => {
  const refused = (fields: Partial<Container>, pod: Partial<PodSpec> = {}) =>
    unsupportedFeature(podObject('web', { containers: [container('app', fields)], ...pod }))
  t.equal(refused({}), undefined)
  t.match(refused({}, { os: { name: 'windows' } }), /windows/)
  t.match(refused({}, { hostUsers: false }), /hostUsers/)
  t.match(refused({}, { runtimeClassName: 'gvisor' }), /runtimeClassName/)
  t.match(refused({ volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] }), /container "app": volumeDevices/)
  t.match(refused({ securityContext: { procMount: 'Unmasked' } }), /procMount Unmasked/)
})
