import t from 'tap'
import { planPod } from '../../src/kubelet/plan.js'
import type { PodView } from '../../src/kubelet/pod-view.js'
import { busyKeys, containerAnnotations, failureKeys } from '../../src/kubelet/pod-view.js'
import { container } from './fixture.js'
import { ago, now, sandbox, state, view } from './view.js'

/** The plan in short: `type subject`. */
const plan = (input: PodView): string[] =>
  planPod(input).actions.map((action) => {
    switch (action.type) {
      case 'startContainer':
        return `start ${action.container}#${String(action.attempt)}`
      case 'ensureImage':
        return `image ${action.container}`
      case 'killContainer':
        return `kill ${action.id} ${action.reason} ${String(action.graceSeconds)}`
      case 'removeContainer':
        return `remove ${action.id}`
      case 'removeSandbox':
        return `remove ${action.id}`
      default:
        return action.type
    }
  })
const deleting = (seconds: number) => ({
  podFields: {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'uid-1',
      resourceVersion: '2',
      deletionTimestamp: new Date(now.getTime() + seconds * 1000).toISOString()
    }
  }
})
const two = { containers: [container('a'), container('b')] }
const busy = (...keys: string[]) => new Map(keys.map((key) => [key, {}]))

t.test('coming up', async (t) => {
  const fresh = { sandboxes: [], imagesReady: new Set<string>(), areVolumesReady: false }
  t.same(plan(view({}, fresh)), ['mountVolumes', 'createSandbox', 'image app'], 'all at once')
  t.same(
    plan(view({}, { ...fresh, busy: busy(busyKeys.sandbox, busyKeys.volumes, busyKeys.image('app')) })),
    [],
    'and once'
  )
  t.same(plan(view({}, { ...fresh, imagesReady: new Set(['app']), areVolumesReady: true })), [
    'createSandbox'
  ])
  t.same(plan(view()), ['start app#0'])
  t.same(plan(view(two)), ['start a#0'], 'one start after the other')
  t.same(plan(view(two, { containers: [state('a')] })), ['start b#0'])
  t.same(
    plan(view(two, { containers: [state('a')], busy: busy(busyKeys.start) })),
    [],
    'postStart of a still runs'
  )
  t.same(plan(view({}, { containers: [state('app')] })), [], 'nothing to do')
  t.same(plan(view({}, { containers: [state('app')], areVolumesStale: true })), ['mountVolumes'])
  const memory = { volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }] }
  t.same(plan(view(memory, { ...fresh })), ['mountVolumes', 'image app'], 'the sandbox holds tmpfs volumes')
})

t.test('failures wait for their time', async (t) => {
  const failures = new Map([
    [failureKeys.volumes, { reason: 'FailedMount', message: '', retryAt: ago(-5) }],
    [failureKeys.sandbox, { reason: 'Failed', message: '', retryAt: ago(-3) }],
    ['app', { reason: 'ErrImagePull', message: '', retryAt: ago(-4) }]
  ])
  const waiting = planPod(
    view({}, { failures, areVolumesReady: false, sandboxes: [], imagesReady: new Set() })
  )
  t.same(waiting.actions, [])
  t.same(waiting.wakeAt, ago(-3), 'the earliest')
  t.same(plan(view({}, { failures: new Map([['app', { reason: 'x', message: '', retryAt: ago(0) }]]) })), [
    'start app#0'
  ])
})

t.test('init containers', async (t) => {
  const spec = {
    initContainers: [container('i1'), container('side', { restartPolicy: 'Always' }), container('i2')]
  }
  const done = state('i1', { kind: 'init', exit: 0 })
  const side = state('side', { kind: 'init' })
  const started = new Map([['side-0', { started: true, ready: false }]])
  t.same(plan(view(spec)), ['start i1#0'])
  t.same(plan(view(spec, { containers: [state('i1')] })), [], 'one after the other')
  t.same(plan(view(spec, { containers: [done] })), ['start side#0'])
  t.same(plan(view(spec, { containers: [done, side] })), [], 'a sidecar must have started')
  t.same(plan(view(spec, { containers: [done, side], probes: started })), ['start i2#0'])
  const all = [done, side, state('i2', { exit: 0 })]
  t.same(plan(view(spec, { containers: all, probes: started })), ['start app#0'])
  t.same(plan(view(spec, { containers: [...all, state('app')], probes: started })), [])
  const dead = state('side', { kind: 'init', exit: 1 })
  t.same(
    plan(view(spec, { containers: [done, dead, state('app')] })),
    ['start side#1'],
    'a sidecar always runs'
  )
  const failed = state('i1', { exit: 1 })
  t.same(plan(view(spec, { containers: [failed] })), ['start i1#1'], 'tried again')
  const never = planPod(view({ ...spec, restartPolicy: 'Never' }, { containers: [failed] }))
  t.equal(never.ending, 'finished')
})

t.test('restart policies and back-off', async (t) => {
  const spec = (restartPolicy: string) => ({ ...two, restartPolicy })
  const ended = (exit: number) => ({ containers: [state('a', { exit }), state('b')] })
  t.same(plan(view(spec('Always'), ended(0))), ['start a#1'])
  t.same(plan(view(spec('OnFailure'), ended(0))), [])
  t.same(plan(view(spec('OnFailure'), ended(1))), ['start a#1'])
  t.same(plan(view(spec('Never'), ended(1))), [])
  const rules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }]
  const ruled = {
    restartPolicy: 'Never',
    containers: [container('a', { restartPolicyRules: rules }), container('b')]
  }
  t.same(plan(view(ruled, ended(42))), ['start a#1'], 'a rule of the container')
  t.same(plan(view(ruled, ended(1))), [])

  const after = (ms: number, finishedAgo: number, ranSeconds = 1) =>
    state('app', {
      exit: 1,
      attempt: 1,
      annotations: { [containerAnnotations.backoffMs]: String(ms) },
      startedAt: ago(finishedAgo + ranSeconds),
      finishedAt: ago(finishedAgo)
    })
  const held = planPod(view({}, { containers: [after(10_000, 4)] }))
  t.same(held.actions, [])
  t.match(held.waiting.get('app'), {
    reason: 'CrashLoopBackOff',
    message: 'back-off 10s restarting failed container=app pod=web_default(uid-1)'
  })
  t.same(held.wakeAt, ago(-6))
  t.match(planPod(view({}, { containers: [after(10_000, 10)] })).actions[0], {
    attempt: 2,
    backoffMs: 20_000
  })
  t.match(
    planPod(view({}, { containers: [after(160_000, 160)] })).actions[0],
    { backoffMs: 300_000 },
    'at most'
  )
  t.match(
    planPod(view({}, { containers: [after(300_000, 1, 601)] })).actions[0],
    { backoffMs: 10_000 },
    'a long run resets'
  )
  const long = planPod(view({}, { containers: [after(80_000, 1)] }))
  t.match(long.waiting.get('app')?.message, /^back-off 1m20s /)
})

t.test('counts go on where the status left off when the engine lost the container', async (t) => {
  const running = { running: { startedAt: '2026-01-01T00:00:00Z' } }
  const reported = { name: 'app', image: '', imageID: '', ready: true, restartCount: 3, state: running }
  const fields = { podFields: { status: { containerStatuses: [reported] } } }
  t.same(plan(view({}, fields)), ['start app#4'])
  t.equal(planPod(view({ restartPolicy: 'Never' }, fields)).ending, 'finished', 'policy Never: it is over')
})

t.test('probes and changed specs kill', async (t) => {
  const spec = { terminationGracePeriodSeconds: 7 }
  const verdict = (failed: 'liveness' | 'startup') => ({
    containers: [state('app')],
    probes: new Map([['app-0', { started: true, ready: true, failed }]])
  })
  t.same(plan(view(spec, verdict('liveness'))), ['kill app-0 liveness 7'])
  t.same(plan(view(spec, verdict('startup'))), ['kill app-0 startup 7'])
  const probe = container('app', { livenessProbe: { terminationGracePeriodSeconds: 3 } })
  t.same(plan(view({ ...spec, containers: [probe] }, verdict('liveness'))), ['kill app-0 liveness 3'])
  t.same(plan(view(spec, { ...verdict('liveness'), busy: busy(busyKeys.container('app-0')) })), [])
  const other = state('app', { specHash: 'other' })
  t.same(plan(view(spec, { containers: [other] })), ['kill app-0 definition 7'])
})

t.test('a sandbox that died', async (t) => {
  const stopped = sandbox({ id: 'old', state: 'stopped' })
  const stray = state('app', { sandboxId: 'old' })
  t.same(plan(view({}, { sandboxes: [stopped], containers: [stray] })), ['kill app-0 sandbox 1'])
  const dead = state('app', { sandboxId: 'old', exit: 137 })
  t.same(plan(view({}, { sandboxes: [stopped], containers: [dead] })), ['remove old'])
  t.same(plan(view({}, { sandboxes: [], containers: [dead] })), ['createSandbox'])
  t.same(plan(view({}, { containers: [dead] })), ['start app#1'], 'at once: it is not its fault')
  const init = { initContainers: [container('i')] }
  const doneInit = state('i', { sandboxId: 'old', exit: 0 })
  t.same(plan(view(init, { containers: [doneInit, dead] })), ['start i#1'], 'init containers run again')
  const never = planPod(view({ restartPolicy: 'Never' }, { sandboxes: [stopped], containers: [dead] }))
  t.equal(never.ending, 'finished')
})

t.test('leftovers', async (t) => {
  const runs = [
    state('app', { attempt: 3 }),
    state('app', { attempt: 2, exit: 1 }),
    state('app', { attempt: 1, exit: 1 })
  ]
  t.same(plan(view({}, { containers: runs })), ['remove app-1'], 'one dead container is kept')
  const half = state('app', { state: 'created' })
  t.same(plan(view({}, { containers: [half] })), ['remove app-0'], 'created but never started')
  t.same(plan(view({}, { containers: [half], busy: busy(busyKeys.start) })), [])
})

t.test('deletion', async (t) => {
  const spec = {
    initContainers: [
      container('s1', { restartPolicy: 'Always' }),
      container('s2', { restartPolicy: 'Always' })
    ]
  }
  const all = [state('app'), state('s1'), state('s2')]
  t.same(plan(view(spec, { ...deleting(20), containers: all })), ['kill app-0 stop 20'], 'sidecars last')
  t.same(
    plan(view(spec, { ...deleting(20), containers: all.slice(1) })),
    ['kill s2-0 stop 20'],
    'in reverse order'
  )
  t.same(plan(view(spec, { ...deleting(-5), containers: all })), ['kill app-0 stop 1'], 'late')
  const killing = (seconds: number) => new Map([[busyKeys.container('app-0'), { deadline: ago(-seconds) }]])
  t.same(plan(view({}, { ...deleting(20), containers: [state('app')], busy: killing(20) })), [])
  t.same(
    plan(view({}, { ...deleting(2), containers: [state('app')], busy: killing(20) })),
    ['kill app-0 stop 2'],
    'less time'
  )
  const dead = { ...deleting(5), containers: [state('app', { exit: 0 })] }
  t.same(plan(view({}, dead)), ['reportFinalStatus'])
  t.same(plan(view({}, { ...dead, isFinalStatusReported: true })), ['remove sandbox-1', 'remove app-0'])
  t.same(plan(view({}, { ...dead, busy: busy(busyKeys.start) })), [], 'a start under way is waited for')
  const empty = { ...deleting(5), containers: [], sandboxes: [], isFinalStatusReported: true }
  t.same(plan(view({}, empty)), ['cleanUp'])
  t.same(plan(view({}, { ...empty, isCleanedUp: true })), ['finish'])
  t.same(plan(view({}, { ...empty, isCleanedUp: true, busy: busy(busyKeys.finish) })), [])
})

t.test('gone from the API: the same without status and object', async (t) => {
  const spec = { terminationGracePeriodSeconds: 9 }
  t.same(plan(view(spec, { isGone: true, containers: [state('app')] })), ['kill app-0 stop 9'])
  t.same(plan(view(spec, { isGone: true, containers: [state('app', { exit: 0 })] })), [
    'remove sandbox-1',
    'remove app-0'
  ])
  t.same(plan(view(spec, { isGone: true, sandboxes: [] })), ['cleanUp'])
  t.same(plan(view(spec, { isGone: true, sandboxes: [], isCleanedUp: true })), [])
})

t.test('other endings keep containers and object', async (t) => {
  const done = { containers: [state('app', { exit: 0 })] }
  t.same(plan(view({ restartPolicy: 'Never' }, done)), ['remove sandbox-1'])
  t.same(plan(view({ restartPolicy: 'Never' }, { ...done, sandboxes: [] })), [])
  const side = { initContainers: [container('s', { restartPolicy: 'Always' })], restartPolicy: 'Never' }
  t.same(plan(view(side, { containers: [state('app', { exit: 0 }), state('s')] })), ['kill s-0 stop 1'])
  const deadline = { activeDeadlineSeconds: 60 }
  const startedAgo = (seconds: number) => ({
    podFields: { status: { startTime: ago(seconds).toISOString() } }
  })
  t.same(plan(view(deadline, { ...startedAgo(60), containers: [state('app')] })), ['kill app-0 stop 1'])
  t.same(planPod(view(deadline, { ...startedAgo(50), containers: [state('app')] })).wakeAt, ago(-10))
  const failed = { podFields: { status: { phase: 'Failed' } } }
  t.same(plan(view({}, { ...failed, containers: [state('app')] })), ['kill app-0 stop 1'], 'whoever wrote it')
  t.same(plan(view({}, { rejection: { reason: 'OutOfcpu', message: '' } })), ['remove sandbox-1'])
  const down = { stopGraceSeconds: 5, containers: [state('app')] }
  t.same(plan(view({ terminationGracePeriodSeconds: 30 }, down)), ['kill app-0 stop 5'], 'mk down')
})
