import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { configMaps } from '../../src/api/kinds/config-maps.js'
import { leases } from '../../src/api/kinds/leases.js'
import { nodes } from '../../src/api/kinds/nodes.js'
import { pods } from '../../src/api/kinds/pods.js'
import { quantityToNumber } from '../../src/base/quantity.js'
import { eventually } from '../fixtures/eventually.js'
import { conditionOf, container, nodeName, startKubelet, statusOf } from './fixture.js'

t.test('a pod starts, runs, is deleted', async (t) => {
  const k = await startKubelet(t)
  await k.create('web')
  await k.until('web', 'running', (pod) => pod.status?.phase === 'Running')
  const pod = await k.podOf('web')
  t.match(pod.status, {
    phase: 'Running',
    hostIP: /./,
    podIP: /^10\.244\./,
    startTime: /Z$/,
    observedGeneration: 1
  })
  t.match(statusOf(pod, 'app'), {
    ready: true,
    started: true,
    restartCount: 0,
    image: 'app:1',
    imageID: /^sha256:/,
    containerID: /^simulated:\/\//
  })
  for (const type of ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready', 'PodScheduled'])
    t.equal(conditionOf(pod, type), 'True', type)
  await eventually(async () => (await k.eventsOf()).includes('Started: Started container app'))
  t.match(
    (await k.eventsOf()).map((event) => event.split(':')[0]),
    ['Pulled', 'Created', 'Started']
  )

  await k.client.of(pods).delete({ namespace: 'default', name: 'web' })
  await k.gone('web')
  t.same((await k.runtime.list()).containers, [])
  t.same((await k.runtime.list()).sandboxes, [])
  t.same(readdirSync(join(k.stateDir, 'pods')), [])
})

t.test('the node registers, is ready, and has a lease', async (t) => {
  const k = await startKubelet(t, { kubelet: { capacity: { cpu: '2' }, nodeLabels: { zone: 'a' } } })
  const node = await k.client.of(nodes).get({ name: nodeName })
  t.match(node.metadata.labels, {
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    zone: 'a'
  })
  t.match(node.status?.capacity, { cpu: '2', memory: '32Gi', pods: '110' })
  t.equal(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
  const lease = await k.client.of(leases).get({ namespace: 'kube-node-lease', name: nodeName })
  t.match(lease, {
    spec: { holderIdentity: nodeName },
    metadata: { ownerReferences: [{ uid: node.metadata.uid }] }
  })
})

t.test('a pod with a limit of ephemeral-storage finds room on the node', async (t) => {
  const k = await startKubelet(t)
  const { status } = await k.client.of(nodes).get({ name: nodeName })
  t.ok(quantityToNumber(status?.allocatable?.['ephemeral-storage'] ?? '0') > 0)
})

t.test('unknown resources of a node survive, and are mirrored to allocatable', async (t) => {
  const k = await startKubelet(t)
  const node = await k.client.of(nodes).get({ name: nodeName })
  const status = { ...node.status, capacity: { ...node.status?.capacity, 'example.com/foo': '5' } }
  await k.client.of(nodes).updateStatus({ ...node, status })
  await k.restart()
  const after = await k.client.of(nodes).get({ name: nodeName })
  t.equal(after.status?.capacity?.['example.com/foo'], '5')
  t.equal(after.status?.allocatable?.['example.com/foo'], '5')
})

t.test('a container that ends is restarted with back-off, and the one before is kept', async (t) => {
  const k = await startKubelet(t)
  await k.create(
    'crash',
    {},
    { annotations: { 'simulated.mk.dev/run-seconds': '0.01', 'simulated.mk.dev/exit-code': '3' } }
  )
  await k.until('crash', 'third run', (pod) => (statusOf(pod, 'app')?.restartCount ?? 0) >= 2)
  await k.until(
    'crash',
    'back-off',
    (pod) => statusOf(pod, 'app')?.state?.waiting?.reason === 'CrashLoopBackOff'
  )
  const pod = await k.podOf('crash')
  const status = statusOf(pod, 'app')
  t.match(
    status?.state?.waiting?.message,
    /^back-off \S+ restarting failed container=app pod=crash_default\(/
  )
  t.match(status?.lastState?.terminated, { exitCode: 3, reason: 'Error' })
  t.equal(pod.status?.phase, 'Running')
  t.ok((await k.containers('app')).length <= 2, 'older ones are removed')
  await eventually(async () =>
    (await k.eventsOf()).some((event) =>
      event.startsWith('BackOff: Back-off restarting failed container app in pod crash_default(')
    )
  )
  await k.client.of(pods).delete({ namespace: 'default', name: 'crash' })
  await k.gone('crash')
})

t.test(
  'policy Never: the pod succeeds or fails, containers stay for their logs, the sandbox goes',
  async (t) => {
    const k = await startKubelet(t)
    await k.create(
      'ok',
      { restartPolicy: 'Never' },
      { annotations: { 'simulated.mk.dev/run-seconds': '0.01' } }
    )
    await k.until('ok', 'succeeded', (pod) => pod.status?.phase === 'Succeeded')
    await eventually(async () => (await k.runtime.list()).sandboxes.length === 0)
    const pod = await k.podOf('ok')
    t.match(statusOf(pod, 'app'), {
      ready: false,
      state: { terminated: { exitCode: 0, reason: 'Completed' } }
    })
    t.match(
      pod.status?.conditions?.find(({ type }) => type === 'Ready'),
      { status: 'False', reason: 'PodCompleted' }
    )
    t.ok(pod.status?.podIP, 'the address stays in the status')
    t.equal((await k.containers('app')).length, 1)

    await k.create(
      'bad',
      { restartPolicy: 'Never' },
      { annotations: { 'simulated.mk.dev/run-seconds': '0.01', 'simulated.mk.dev/exit-code': '1' } }
    )
    await k.until('bad', 'failed', (pod) => pod.status?.phase === 'Failed')
  }
)

t.test("images: errors and back-off in the engine's words, then recovery", async (t) => {
  const k = await startKubelet(t, { runtime: { missingImages: ['nope:1'] } })
  const seen = new Set<string>()
  k.client.of(pods).watch(
    {},
    {
      onEvent: ({ object }) => seen.add(statusOf(object, 'app')?.state?.waiting?.reason ?? ''),
      onEnd: () => {}
    }
  )
  await k.create('missing', { containers: [container('app', { image: 'nope:1' })] })
  await eventually(() => seen.has('ErrImagePull') && seen.has('ImagePullBackOff'))
  t.ok(seen.has('ContainerCreating'))
  const events = await k.eventsOf()
  t.ok(
    events.some((event) => event.startsWith('Failed: Failed to pull image "nope:1": pull access denied')),
    events.join('\n')
  )
  await k.create('never', { containers: [container('app', { image: 'nope:1', imagePullPolicy: 'Never' })] })
  await k.until(
    'never',
    'ErrImageNeverPull',
    (pod) => statusOf(pod, 'app')?.state?.waiting?.reason === 'ErrImageNeverPull'
  )
  await k.create('name', { containers: [container('app', { image: 'Not A Name' })] })
  await k.until(
    'name',
    'InvalidImageName',
    (pod) => statusOf(pod, 'app')?.state?.waiting?.reason === 'InvalidImageName'
  )
  for (const name of ['missing', 'never', 'name']) {
    await k.client.of(pods).delete({ namespace: 'default', name })
    await k.gone(name)
  }
})

t.test('init containers run in order, then sidecars, then the others', async (t) => {
  const k = await startKubelet(t, { runtime: {} })
  const order: string[] = []
  k.runtime.subscribe({
    onContainer: ({ type, id, sandbox }) => {
      if (sandbox || type !== 'started') return
      void k.runtime.inspectContainer(id).then(({ containerName, kind }) => {
        order.push(containerName)
        if (kind === 'init' && containerName !== 'side') setTimeout(() => k.runtime.exitContainer(id, 0), 5)
      })
    },
    onResync: () => {}
  })
  await k.create('init', {
    initContainers: [container('one'), container('side', { restartPolicy: 'Always' }), container('two')]
  })
  await k.until(
    'init',
    'running',
    (pod) => pod.status?.phase === 'Running' && conditionOf(pod, 'Ready') === 'True'
  )
  t.same(order, ['one', 'side', 'two', 'app'])
  const pod = await k.podOf('init')
  t.match(statusOf(pod, 'one'), { ready: true, state: { terminated: { reason: 'Completed' } } })
  t.match(statusOf(pod, 'side'), { ready: true, started: true, state: { running: {} } })
  await k.client.of(pods).delete({ namespace: 'default', name: 'init' })
  await k.gone('init')
})

t.test('a new kubelet adopts what runs, and removes what has no pod', async (t) => {
  const k = await startKubelet(t)
  await k.create('keep')
  await k.create('drop')
  for (const name of ['keep', 'drop'])
    await k.until(name, 'running', (pod) => pod.status?.phase === 'Running')
  const before = (await k.containers()).find(({ podName }) => podName === 'keep')
  k.kubelet.stop()
  await k.client.of(pods).delete({ namespace: 'default', name: 'drop' }, { gracePeriodSeconds: 0 })
  await k.restart()
  await eventually(async () => (await k.containers()).length === 1, 'orphan removed')
  t.match(await k.containers(), [{ id: before?.id, podName: 'keep', attempt: 0 }])
  t.equal(statusOf(await k.podOf('keep'), 'app')?.restartCount, 0)
  await eventually(() => readdirSync(join(k.stateDir, 'pods')).length === 1, 'directory removed')
})

t.test('what is taken away behind its back is made again', async (t) => {
  const k = await startKubelet(t)
  await k.create('heal')
  await k.until('heal', 'running', (pod) => pod.status?.phase === 'Running')
  const [first] = await k.containers()
  await k.runtime.removeContainer(first?.id ?? '')
  await k.until(
    'heal',
    'restarted',
    (pod) => statusOf(pod, 'app')?.restartCount === 1 && statusOf(pod, 'app')?.ready
  )
  const [sandbox] = (await k.runtime.list()).sandboxes
  k.runtime.killSandbox(sandbox?.id ?? '')
  await k.until(
    'heal',
    'new sandbox',
    (pod) => statusOf(pod, 'app')?.restartCount === 2 && statusOf(pod, 'app')?.ready
  )
  t.equal((await k.runtime.list()).sandboxes.length, 1)
})

t.test('stopPods: everything stops, objects stay; the next start takes the same address', async (t) => {
  const k = await startKubelet(t)
  await k.create('down')
  await k.until('down', 'running', (pod) => pod.status?.phase === 'Running')
  const before = await k.podOf('down')
  await k.kubelet.stopPods({ graceSeconds: 1 })
  t.ok((await k.containers()).every(({ state }) => state === 'exited'))
  t.same((await k.runtime.list()).sandboxes, [])
  await k.restart()
  await k.until(
    'down',
    'running again',
    (pod) => statusOf(pod, 'app')?.restartCount === 1 && conditionOf(pod, 'Ready') === 'True'
  )
  const after = await k.podOf('down')
  t.equal(after.metadata.uid, before.metadata.uid)
  t.equal(after.status?.podIP, before.status?.podIP)
})

t.test('a missing ConfigMap holds the container back until it is there', async (t) => {
  const k = await startKubelet(t)
  const env = [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'colors', key: 'main' } } }]
  await k.create('env', { containers: [container('app', { env })] })
  await k.until(
    'env',
    'config error',
    (pod) => statusOf(pod, 'app')?.state?.waiting?.reason === 'CreateContainerConfigError'
  )
  t.match(statusOf(await k.podOf('env'), 'app')?.state?.waiting?.message, 'configmap "colors" not found')
  await k.client
    .of(configMaps)
    .create({ metadata: { name: 'colors', namespace: 'default' }, data: { main: 'red' } })
  await k.until('env', 'running', (pod) => pod.status?.phase === 'Running')
})

t.test('a pod that names its node and does not fit fails', async (t) => {
  const k = await startKubelet(t)
  await k.create('big', { containers: [container('app', { resources: { requests: { cpu: '100' } } })] })
  await k.until('big', 'failed', (pod) => pod.status?.phase === 'Failed')
  t.match((await k.podOf('big')).status, {
    reason: 'OutOfcpu',
    message:
      "Pod was rejected: Node didn't have enough resource: cpu, requested: 100000, used: 0, capacity: 8000"
  })
  await k.client.of(pods).delete({ namespace: 'default', name: 'big' })
  await k.gone('big')
})

t.test('activeDeadlineSeconds ends a pod', async (t) => {
  const k = await startKubelet(t)
  await k.create('late', { activeDeadlineSeconds: 1 })
  await k.until('late', 'failed', (pod) => pod.status?.phase === 'Failed')
  t.equal((await k.podOf('late')).status?.reason, 'DeadlineExceeded')
  t.ok((await k.containers()).every(({ state }) => state === 'exited'))
})
