import t from 'tap'
import { podSummary } from '../../src/api/pod-summary.js'
import type { ContainerStatus, Pod, PodStatus } from '../../src/api/types.js'

const now = new Date('2026-01-01T01:00:00Z')
const container = (name: string) => ({ name, image: 'i' })
const status = (name: string, rest: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...rest
})

function summary(spec: Partial<Pod['spec']>, podStatus: PodStatus, deleted = false): string {
  const {
    ready,
    status: word,
    restarts
  } = podSummary(
    {
      metadata: {
        name: 'a',
        uid: 'u',
        resourceVersion: '1',
        ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {})
      },
      spec: { containers: [container('a')], ...spec },
      status: podStatus
    },
    now
  )
  return `${ready} ${word} ${restarts}`
}

t.test('phases', async (t) => {
  t.equal(summary({}, { phase: 'Pending' }), '0/1 Pending 0')
  t.equal(summary({}, { phase: 'Failed', reason: 'Evicted' }), '0/1 Evicted 0')
  t.equal(
    summary(
      {},
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }]
      }
    ),
    '0/1 SchedulingGated 0'
  )
})

t.test('containers', async (t) => {
  const running = status('a', { ready: true, state: { running: {} } })
  t.equal(summary({}, { phase: 'Running', containerStatuses: [running] }), '1/1 Running 0')
  t.equal(
    summary(
      {},
      {
        phase: 'Pending',
        containerStatuses: [status('a', { state: { waiting: { reason: 'ErrImagePull' } } })]
      }
    ),
    '0/1 ErrImagePull 0'
  )
  t.equal(
    summary(
      {},
      {
        phase: 'Running',
        containerStatuses: [
          status('a', {
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } }
          })
        ]
      }
    ),
    '0/1 CrashLoopBackOff 3 (5m ago)'
  )
  t.equal(
    summary(
      {},
      { phase: 'Failed', containerStatuses: [status('a', { state: { terminated: { exitCode: 3 } } })] }
    ),
    '0/1 ExitCode:3 0'
  )
  t.equal(
    summary(
      {},
      {
        phase: 'Failed',
        containerStatuses: [status('a', { state: { terminated: { exitCode: 137, signal: 9 } } })]
      }
    ),
    '0/1 Signal:9 0'
  )
})

t.test('one container done, another running', async (t) => {
  const done = status('a', { state: { terminated: { exitCode: 0, reason: 'Completed' } } })
  const running = status('b', { ready: true, state: { running: {} } })
  const spec = { containers: [container('a'), container('b')] }
  t.equal(summary(spec, { phase: 'Running', containerStatuses: [done, running] }), '1/2 NotReady 0')
  t.equal(
    summary(spec, {
      phase: 'Running',
      containerStatuses: [done, running],
      conditions: [{ type: 'Ready', status: 'True' }]
    }),
    '1/2 Running 0'
  )
})

t.test('init containers', async (t) => {
  const spec = { initContainers: [container('i'), container('j')] }
  const done = status('i', { restartCount: 1, state: { terminated: { exitCode: 0 } } })
  t.equal(
    summary(spec, {
      phase: 'Pending',
      initContainerStatuses: [done, status('j', { state: { running: {} } })]
    }),
    '0/1 Init:1/2 1'
  )
  t.equal(
    summary(spec, {
      phase: 'Pending',
      initContainerStatuses: [status('i', { state: { terminated: { exitCode: 2, reason: 'Error' } } })]
    }),
    '0/1 Init:Error 0'
  )
  t.equal(
    summary(spec, {
      phase: 'Pending',
      initContainerStatuses: [status('i', { state: { waiting: { reason: 'ImagePullBackOff' } } })]
    }),
    '0/1 Init:ImagePullBackOff 0'
  )
})

t.test('sidecars count as containers', async (t) => {
  const spec = { initContainers: [{ ...container('s'), restartPolicy: 'Always' }] }
  t.equal(
    summary(spec, {
      phase: 'Running',
      initContainerStatuses: [
        status('s', { ready: true, started: true, restartCount: 2, state: { running: {} } })
      ],
      containerStatuses: [status('a', { ready: true, state: { running: {} } })]
    }),
    '2/2 Running 2'
  )
})

t.test('pods going away', async (t) => {
  t.equal(summary({}, { phase: 'Running' }, true), '0/1 Terminating 0')
  t.equal(summary({}, { phase: 'Succeeded' }, true), '0/1 Succeeded 0')
  t.equal(summary({}, { phase: 'Running', reason: 'NodeLost' }, true), '0/1 Unknown 0')
})
