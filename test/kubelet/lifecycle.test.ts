import t from 'tap'
import { configMaps } from '../../src/api/kinds/config-maps.js'
import { pods } from '../../src/api/kinds/pods.js'
import { MkError } from '../../src/base/errors.js'
import { statusErrors } from '../../src/base/status.js'
import { eventually } from '../fixtures/eventually.js'
import { conditionOf, container, startKubelet, statusOf } from './fixture.js'

const exec = (command: string) => ({ exec: { command: [command] } })

t.test('postStart runs after the start and holds back the next container; its failure kills', async (t) => {
  const ran: string[] = []
  const k = await startKubelet(t, {
    runtime: {
      onExec: ({ containerName }, [command = '']) => {
        ran.push(`${containerName} ${command}`)
        return { exitCode: command === 'bad' ? 1 : 0, output: 'sorry' }
      }
    }
  })
  const lifecycle = { postStart: exec('good') }
  await k.create('ok', { containers: [container('a', { lifecycle }), container('b')] })
  await k.until('ok', 'ready', (pod) => conditionOf(pod, 'Ready') === 'True')
  t.same(ran, ['a good'])
  await k.create('fails', { containers: [container('app', { lifecycle: { postStart: exec('bad') } })] })
  await k.until('fails', 'killed', (pod) => statusOf(pod, 'app')?.lastState?.terminated)
  await eventually(async () =>
    (await k.eventsOf()).some((event) => event.startsWith('FailedPostStartHook: PostStartHook failed'))
  )
})

t.test('preStop runs before the container is stopped', async (t) => {
  const order: string[] = []
  const k = await startKubelet(t, {
    runtime: {
      onExec: (_container, [command = '']) => {
        order.push(command)
        return { exitCode: 0 }
      }
    }
  })
  k.runtime.subscribe({
    onContainer: ({ type, sandbox }) => {
      if (type === 'exited' && !sandbox) order.push('exited')
    },
    onResync: () => {}
  })
  const main = container('app', { lifecycle: { preStop: exec('bye') } })
  const side = container('side', { restartPolicy: 'Always' })
  await k.create('web', { containers: [main], initContainers: [side] })
  await k.until('web', 'running', (pod) => pod.status?.phase === 'Running')
  const last: unknown[] = []
  k.client
    .of(pods)
    .watch({}, { onEvent: ({ object }) => last.push(statusOf(object, 'app')?.state), onEnd: () => {} })
  await k.client.of(pods).delete({ namespace: 'default', name: 'web' })
  await k.gone('web')
  t.same(order, ['bye', 'exited', 'exited'])
  t.match(last.at(-1), { terminated: { exitCode: 143 } }, 'the final state was reported first')
  t.same(
    (await k.eventsOf()).filter((event) => event.startsWith('Killing')),
    ['Killing: Stopping container app', 'Killing: Stopping container side']
  )
})

t.test('liveness restarts, readiness takes out, startup gates both', async (t) => {
  const healthy = { startup: false, ready: true, live: true }
  const k = await startKubelet(t, {
    runtime: {
      onExec: (_container, [name = '']) => ({
        exitCode: healthy[name as keyof typeof healthy] ? 0 : 1,
        output: 'no\n'
      })
    }
  })
  const probe = (name: string, failureThreshold = 1) => ({
    ...exec(name),
    periodSeconds: 1,
    failureThreshold
  })
  const app = container('app', {
    startupProbe: probe('startup', 30),
    readinessProbe: probe('ready'),
    livenessProbe: probe('live')
  })
  await k.create('web', { containers: [app] })
  await k.until('web', 'running', (pod) => statusOf(pod, 'app')?.state?.running)
  t.match(statusOf(await k.podOf('web'), 'app'), { started: false, ready: false })
  healthy.startup = true
  await k.until('web', 'ready', (pod) => statusOf(pod, 'app')?.ready)
  healthy.ready = false
  await k.until('web', 'unready', (pod) => conditionOf(pod, 'Ready') === 'False')
  t.match(statusOf(await k.podOf('web'), 'app'), { started: true, ready: false, restartCount: 0 })
  healthy.live = false
  await k.until('web', 'restarted', (pod) => (statusOf(pod, 'app')?.restartCount ?? 0) > 0)
  const events = await k.eventsOf()
  t.ok(events.includes('Unhealthy: Readiness probe failed: no'), events.join('\n'))
  t.ok(events.includes('Killing: Container app failed liveness probe, will be restarted'))
})

t.test('an engine that fails is asked again, and the pod says why it waits', async (t) => {
  let refuse = true
  const k = await startKubelet(t, {
    wrap: (runtime) => {
      const create = runtime.createSandbox.bind(runtime)
      runtime.createSandbox = (spec) =>
        refuse ? Promise.reject(new MkError('MK_ENGINE_FAILED', 'no space left on device')) : create(spec)
      return runtime
    }
  })
  await k.create('web')
  await eventually(async () =>
    (await k.eventsOf()).some((event) =>
      event.startsWith('FailedCreatePodSandBox: Failed to create pod sandbox: no space left')
    )
  )
  t.equal(conditionOf(await k.podOf('web'), 'PodReadyToStartContainers'), 'False')
  refuse = false
  await k.until('web', 'running', (pod) => pod.status?.phase === 'Running')
})

t.test(
  'a status write that loses against another is made again, and keeps what the other wrote',
  async (t) => {
    const k = await startKubelet(t)
    k.transport.failNext('update', statusErrors.conflict({ group: '', plural: 'pods' }, 'web', 'changed'))
    k.transport.failNext('update', statusErrors.internal('disk full'))
    await k.create('web')
    await k.until('web', 'running', (pod) => pod.status?.phase === 'Running')
    const pod = await k.podOf('web')
    const gate = { type: 'example.com/gate', status: 'True' }
    const conditions = [...(pod.status?.conditions ?? []), gate]
    await k.client.of(pods).updateStatus({ ...pod, status: { ...pod.status, conditions } })
    const [first] = await k.containers()
    k.runtime.exitContainer(first?.id ?? '', 1)
    await k.until('web', 'restarted', (after) => statusOf(after, 'app')?.restartCount === 1)
    t.equal(conditionOf(await k.podOf('web'), 'example.com/gate'), 'True')
  }
)

t.test('what mk can not do is said in the status', async (t) => {
  const k = await startKubelet(t)
  const securityContext = { runAsNonRoot: true, runAsUser: 0 }
  await k.create('odd', { containers: [container('app', { securityContext })] })
  await k.until('odd', 'refused', (pod) =>
    /container's runAsUser breaks non-root policy/.test(statusOf(pod, 'app')?.state?.waiting?.message ?? '')
  )
  t.equal(statusOf(await k.podOf('odd'), 'app')?.state?.waiting?.reason, 'CreateContainerConfigError')
  await k.create('claim', { volumes: [{ name: 'data', hostPath: { path: '/nope', type: 'File' } }] })
  const failed =
    'FailedMount: MountVolume.SetUp failed for volume "data" : hostPath type check failed: /nope is not a file'
  await eventually(async () => (await k.eventsOf()).includes(failed))
  for (const name of ['odd', 'claim']) {
    await k.client.of(pods).delete({ namespace: 'default', name })
    await k.gone(name)
  }
})

t.test('a pod that goes with its ConfigMap has nothing to complain of, one that stays has', async (t) => {
  const k = await startKubelet(t)
  const volumes = (name: string) => ({ volumes: [{ name: 'v', configMap: { name } }] })
  for (const name of ['going', 'staying']) {
    await k.client.of(configMaps).create({ metadata: { name, namespace: 'default' }, data: { a: 'b' } })
    await k.create(name, volumes(name))
    await k.until(name, 'running', (pod) => pod.status?.phase === 'Running')
  }
  await k.client.of(configMaps).delete({ namespace: 'default', name: 'going' })
  await k.client.of(pods).delete({ namespace: 'default', name: 'going' })
  await k.gone('going')
  t.same(
    (await k.eventsOf()).filter((text) => text.startsWith('FailedMount')),
    []
  )
  await k.client.of(configMaps).delete({ namespace: 'default', name: 'staying' })
  await eventually(async () =>
    (await k.eventsOf()).some((text) => /^FailedMount: .*configmap "staying" not found/.test(text))
  )
  t.equal((await k.podOf('staying')).status?.phase, 'Running', 'what was mounted stays')
})
