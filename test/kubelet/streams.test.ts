import t from 'tap'
import { createPodStreams } from '../../src/kubelet/streams.js'
import type { ContainerState, LogStream } from '../../src/runtime/runtime.js'
import { createSimulatedRuntime } from '../../src/runtime/simulated/simulated-runtime.js'
import { systemClock } from '../../src/base/clock.js'
import { pods } from '../../src/api/kinds/pods.js'
import { container, podObject, startKubelet } from './fixture.js'
import { state } from './view.js'

const text = async ({ output }: LogStream) => {
  const chunks: Buffer[] = []
  for await (const chunk of output) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
const plain = { follow: false, previous: false, timestamps: false }

t.test('logs of now, of before, cut and tailed', async (t) => {
  const k = await startKubelet(t)
  await k.create('web')
  await k.until('web', 'running', (pod) => pod.status?.phase === 'Running')
  const [first] = await k.containers()
  k.runtime.writeLog(first?.id ?? '', 'one\ntwo')
  const logs = async (options: object) =>
    text(await k.kubelet.streams.logs(await k.podOf('web'), { ...plain, ...options }))
  t.equal(await logs({}), 'one\ntwo\n')
  t.equal(await logs({ tailLines: 1 }), 'two\n')
  t.equal(await logs({ limitBytes: 5 }), 'one\nt')
  t.equal(await logs({ sinceTime: '2999-01-01T00:00:00Z' }), '')
  await t.rejects(logs({ previous: true }), {
    code: 400,
    message: 'previous terminated container "app" in pod "web" not found'
  })
  k.runtime.exitContainer(first?.id ?? '', 1)
  await k.until('web', 'restarted', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1)
  t.equal(await logs({ previous: true }), 'one\ntwo\n')
  t.equal(await logs({ container: 'app' }), '')
  await k.client.of(pods).delete({ namespace: 'default', name: 'web' })
  await k.gone('web')
})

t.test('exec and port-forward', async (t) => {
  const k = await startKubelet(t, {
    runtime: { onExec: (_container, command) => ({ exitCode: 3, output: command.join(' ') }) }
  })
  await k.create('web')
  await k.until('web', 'running', (pod) => pod.status?.phase === 'Running')
  const pod = await k.podOf('web')
  const io = { stdin: false, stdout: true, stderr: true, tty: false }
  const session = await k.kubelet.streams.exec(pod, { ...io, command: ['ls', '-l'] })
  t.equal(await text({ output: session.stdout, close: () => {} }), 'ls -l')
  t.equal(await session.exitCode, 3)
  await t.rejects(k.kubelet.streams.portForward(pod, 80), { code: 500, message: /connection refused/ })
})

t.test('errors say what to do', async (t) => {
  const runtime = createSimulatedRuntime({ clock: systemClock })
  const containers: ContainerState[] = [state('a', { exit: 0 })]
  const streams = createPodStreams({
    runtime,
    clock: systemClock,
    workerOf: () => ({ containers, sandbox: undefined })
  })
  const spec = { containers: [container('a'), container('b')], initContainers: [container('i')] }
  const pod = podObject('web', spec)
  await t.rejects(streams.logs(pod, plain), {
    code: 400,
    message:
      'a container name must be specified for pod web, choose one of: [a b] or one of the init containers: [i]'
  })
  await t.rejects(streams.logs(pod, { ...plain, container: 'x' }), {
    message: 'container x is not valid for pod web'
  })
  await t.rejects(streams.logs(pod, { ...plain, container: 'b' }), {
    message: 'container "b" in pod "web" is waiting to start: ContainerCreating'
  })
  const waiting = {
    name: 'b',
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: 'ErrImagePull' } }
  }
  const pulling = { ...pod, status: { containerStatuses: [waiting] } }
  await t.rejects(streams.logs(pulling, { ...plain, container: 'b' }), {
    message: 'container "b" in pod "web" is waiting to start: trying and failing to pull image'
  })
  const io = { stdin: false, stdout: true, stderr: true, tty: false, command: ['x'] }
  await t.rejects(streams.exec(pod, { ...io, container: 'a' }), {
    code: 404,
    message: 'container not found ("a")'
  })
  await t.rejects(streams.exec({ ...pod, status: { phase: 'Succeeded' } }, io), {
    code: 400,
    message: 'cannot exec into a container in a completed pod; current phase is Succeeded'
  })
  await t.rejects(streams.portForward(pod, 80), {
    message: 'unable to forward port because pod is not running. Current status=Pending'
  })
})
