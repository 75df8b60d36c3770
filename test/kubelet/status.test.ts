import t from 'tap'
import type { Pod, PodStatus } from '../../src/api/types.js'
import { planPod } from '../../src/kubelet/plan.js'
import type { PodView } from '../../src/kubelet/pod-view.js'
import { podStatus } from '../../src/kubelet/status.js'
import { container, statusOf } from './fixture.js'
import { ago, now, state, view } from './view.js'

const render = (input: PodView, messages = new Map<string, string>()): PodStatus =>
  podStatus(input.pod, {
    view: input,
    plan: planPod(input),
    hostIp: '10.0.0.1',
    messages,
    runtimeName: 'docker'
  })
const of = (status: PodStatus, name: string) => statusOf({ status } as Pod, name)
const condition = (status: PodStatus, type: string) => status.conditions?.find((c) => c.type === type)
const ready = new Map([['app-0', { started: true, ready: true }]])

t.test('the first status lists every container as waiting', async (t) => {
  const plain = render(view())
  t.match(of(plain, 'app'), {
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason: 'ContainerCreating' } }
  })
  t.match(plain, {
    phase: 'Pending',
    hostIP: '10.0.0.1',
    podIP: '10.0.0.9',
    startTime: '2026-01-01T00:10:00Z'
  })
  const init = render(view({ initContainers: [container('i1'), container('i2')] }))
  for (const name of ['i1', 'i2', 'app']) t.equal(of(init, name)?.state?.waiting?.reason, 'PodInitializing')
  t.match(condition(init, 'Initialized'), {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: 'containers with incomplete status: [i1 i2]'
  })
  t.match(condition(init, 'Ready'), {
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [app]'
  })
})

t.test('running and ready', async (t) => {
  const status = render(view({}, { containers: [state('app')], probes: ready }))
  t.match(of(status, 'app'), {
    ready: true,
    started: true,
    containerID: 'docker://app-0',
    imageID: 'sha256:1',
    state: { running: { startedAt: '2026-01-01T00:09:00Z' } }
  })
  t.equal(status.phase, 'Running')
  for (const type of ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])
    t.equal(condition(status, type)?.status, 'True', type)
  const probed = container('app', { readinessProbe: {} })
  t.equal(
    of(render(view({ containers: [probed] }, { containers: [state('app')] })), 'app')?.ready,
    false,
    'no verdict yet'
  )
})

t.test('readiness gates are conditions of others, which are kept', async (t) => {
  const spec = { readinessGates: [{ conditionType: 'example.com/lb' }] }
  const running = { containers: [state('app')], probes: ready }
  t.match(condition(render(view(spec, running)), 'Ready'), {
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: 'corresponding condition of pod readiness gate "example.com/lb" does not exist.'
  })
  const gate = (status: string) => ({
    podFields: { status: { conditions: [{ type: 'example.com/lb', status }], nominatedNodeName: 'n' } }
  })
  t.equal(condition(render(view(spec, { ...running, ...gate('False') })), 'Ready')?.status, 'False')
  const open = render(view(spec, { ...running, ...gate('True') }))
  t.equal(condition(open, 'Ready')?.status, 'True')
  t.equal(condition(open, 'example.com/lb')?.status, 'True')
  t.equal(open.nominatedNodeName, 'n')
})

t.test('transition times move only with the status', async (t) => {
  const old = [{ type: 'ContainersReady', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' }]
  const fields = { podFields: { status: { conditions: old, startTime: '2025-01-01T00:00:00Z' } } }
  const same = render(view({}, { containers: [state('app')], probes: ready, ...fields }))
  t.equal(condition(same, 'ContainersReady')?.lastTransitionTime, '2025-01-01T00:00:00Z')
  t.equal(same.startTime, '2025-01-01T00:00:00Z')
  t.equal(
    condition(render(view({}, fields)), 'ContainersReady')?.lastTransitionTime,
    now.toISOString().replace('.000', '')
  )
})

t.test('ended containers', async (t) => {
  const spec = { restartPolicy: 'Never' }
  const reasonOf = (fields: Parameters<typeof state>[1], messages?: Map<string, string>) =>
    of(render(view(spec, { containers: [state('app', fields)] }), messages), 'app')?.state?.terminated
  t.match(reasonOf({ exit: 0 }), {
    exitCode: 0,
    reason: 'Completed',
    startedAt: /Z$/,
    finishedAt: /Z$/,
    containerID: 'docker://app-0'
  })
  t.match(reasonOf({ exit: 2 }, new Map([['app-0', 'bye']])), {
    exitCode: 2,
    reason: 'Error',
    message: 'bye'
  })
  t.match(reasonOf({ exit: 137, oomKilled: true }), { reason: 'OOMKilled' })
  const { startedAt: _none, ...unstarted } = state('app', { exit: 128, error: 'no such file' })
  const startError = render(view(spec, { containers: [unstarted] }))
  t.match(of(startError, 'app')?.state?.terminated, {
    exitCode: 128,
    reason: 'StartError',
    message: 'no such file'
  })
})

t.test('a restart moves the old state to lastState', async (t) => {
  const first = state('app', { exit: 1 })
  const waiting = render(
    view(
      {},
      {
        containers: [first],
        failures: new Map([['app', { reason: 'ErrImagePull', message: 'm', retryAt: ago(-5) }]])
      }
    )
  )
  t.match(of(waiting, 'app'), {
    state: { waiting: { reason: 'ErrImagePull', message: 'm' } },
    lastState: { terminated: { exitCode: 1 } }
  })
  t.equal(waiting.phase, 'Running', 'policy Always')
  const again = render(view({}, { containers: [first, state('app', { attempt: 1 })] }))
  t.match(of(again, 'app'), {
    restartCount: 1,
    state: { running: {} },
    lastState: { terminated: { exitCode: 1 } }
  })
})

t.test('after a node stop, what will run again waits for it instead of looking done', async (t) => {
  const stopped = { sandboxes: [], containers: [state('app', { exit: 0 })] }
  const status = render(view({}, stopped))
  t.match(of(status, 'app'), {
    ready: false,
    state: { waiting: { reason: 'ContainerCreating' } },
    lastState: { terminated: { exitCode: 0, reason: 'Completed' } }
  })
  t.equal(status.phase, 'Running')
  const done = render(view({ restartPolicy: 'OnFailure' }, stopped))
  t.equal(of(done, 'app')?.state?.terminated?.reason, 'Completed')
  t.equal(done.phase, 'Succeeded')
})

t.test('phases', async (t) => {
  const two = (restartPolicy: string) => ({ restartPolicy, containers: [container('a'), container('b')] })
  const phase = (restartPolicy: string, a: number | undefined, b: number | undefined) => {
    const one = (name: string, exit: number | undefined) => state(name, exit === undefined ? {} : { exit })
    return render(view(two(restartPolicy), { containers: [one('a', a), one('b', b)] })).phase
  }
  t.equal(phase('Never', 0, undefined), 'Running')
  t.equal(phase('Never', 0, 0), 'Succeeded')
  t.equal(phase('Never', 0, 1), 'Failed')
  t.equal(phase('OnFailure', 0, 0), 'Succeeded')
  t.equal(phase('OnFailure', 0, 1), 'Running')
  t.equal(phase('Always', 0, 0), 'Running')
  t.equal(render(view(two('Always'), { containers: [state('a')] })).phase, 'Pending', 'b has not begun')
  const init = { restartPolicy: 'Never', initContainers: [container('i')] }
  const failedInit = render(view(init, { containers: [state('i', { exit: 1 })] }))
  t.equal(failedInit.phase, 'Failed')
  t.equal(of(failedInit, 'app')?.state?.waiting?.reason, 'PodInitializing')
  const retried = render(
    view({ ...init, restartPolicy: 'Always' }, { containers: [state('i', { exit: 1 })] })
  )
  t.equal(retried.phase, 'Pending')
  for (const kept of ['Succeeded', 'Failed']) {
    const status = render(view({}, { containers: [state('app')], podFields: { status: { phase: kept } } }))
    t.equal(status.phase, kept, 'never goes back')
    t.equal(condition(status, 'Ready')?.status, 'False')
  }
  const rejected = render(view({}, { rejection: { reason: 'OutOfcpu', message: 'full' } }))
  t.match(rejected, { phase: 'Failed', reason: 'OutOfcpu', message: 'full' })
  const late = view(
    { activeDeadlineSeconds: 1 },
    { containers: [state('app', { exit: 143 })], podFields: { status: { startTime: ago(5).toISOString() } } }
  )
  t.match(render(late), { phase: 'Failed', reason: 'DeadlineExceeded' })
})

t.test('sidecars count for readiness, not for the end', async (t) => {
  const spec = { restartPolicy: 'Never', initContainers: [container('s', { restartPolicy: 'Always' })] }
  const up = render(
    view(spec, {
      containers: [state('s'), state('app')],
      probes: new Map([['s-0', { started: true, ready: false }], ...ready])
    })
  )
  t.match(condition(up, 'Ready'), { status: 'False', message: 'containers with unready status: [s]' })
  t.equal(condition(up, 'Initialized')?.status, 'True')
  const done = render(view(spec, { containers: [state('s', { exit: 143 }), state('app', { exit: 0 })] }))
  t.equal(done.phase, 'Succeeded')
  t.match(condition(done, 'Ready'), { reason: 'PodCompleted' })
})

t.test('a container that the engine lost', async (t) => {
  const reported = {
    name: 'app',
    image: 'app:1',
    imageID: 'x',
    ready: true,
    restartCount: 2,
    containerID: 'docker://old',
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } }
  }
  const fields = { podFields: { status: { containerStatuses: [reported] } } }
  const again = render(view({}, fields))
  t.match(of(again, 'app'), {
    restartCount: 2,
    state: { waiting: { reason: 'ContainerCreating' } },
    lastState: {
      terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', containerID: 'docker://old' }
    }
  })
  t.equal(render(view({ restartPolicy: 'Never' }, fields)).phase, 'Failed')
})

t.test("host network: the address is the node's", async (t) => {
  t.equal(render(view({ hostNetwork: true })).podIP, '10.0.0.1')
  t.equal(
    render(view({}, { sandboxes: [], podFields: { status: { podIP: '10.0.0.9' } } })).podIP,
    undefined,
    'no sandbox yet'
  )
})
