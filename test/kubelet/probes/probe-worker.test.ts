import t from 'tap'
import type { Probe } from '../../../src/api/types.js'
import { ProbeWorker } from '../../../src/kubelet/probes/probe-worker.js'
import type { ProbeKind } from '../../../src/kubelet/probes/probe-worker.js'
import type { ProbeResult } from '../../../src/kubelet/probes/probe-result.js'
import { FakeClock } from '../../fixtures/fake-clock.js'

function start(kind: ProbeKind, probe: Probe) {
  const clock = new FakeClock()
  const verdicts: boolean[] = []
  const failures: string[] = []
  const state = { result: 'success' as ProbeResult['result'], runs: [] as number[] }
  const startedMs = clock.now().getTime()
  const worker = new ProbeWorker({
    kind,
    probe,
    startedAt: clock.now(),
    clock,
    run: async () => {
      state.runs.push(clock.now().getTime() - startedMs)
      return { result: state.result, output: 'o' }
    },
    onVerdict: (isHealthy) => verdicts.push(isHealthy),
    onFailure: ({ result }) => failures.push(result)
  })
  return { clock, verdicts, failures, state, worker }
}

t.test('liveness: a verdict after failureThreshold, then it is over', async (t) => {
  const p = start('liveness', { periodSeconds: 1, failureThreshold: 3 })
  await p.clock.advance(0)
  t.same(p.verdicts, [true])
  p.state.result = 'failure'
  await p.clock.advance(2000)
  t.same(p.verdicts, [true], 'two failures are not enough')
  await p.clock.advance(1000)
  t.same(p.verdicts, [true, false])
  await p.clock.advance(5000)
  t.equal(p.state.runs.length, 4, 'left alone until it is restarted')
  t.equal(p.failures.length, 3)
})

t.test('a success between failures starts the count anew; unknown counts for nothing', async (t) => {
  const p = start('liveness', { periodSeconds: 1, failureThreshold: 2 })
  for (const result of [
    'failure',
    'success',
    'failure',
    'unknown',
    'unknown',
    'success',
    'failure'
  ] as const) {
    p.state.result = result
    await p.clock.advance(p.state.runs.length === 0 ? 0 : 1000)
  }
  t.same(p.verdicts, [true])
})

t.test('initialDelaySeconds counts from the start of the container', async (t) => {
  const p = start('readiness', { initialDelaySeconds: 5, periodSeconds: 10 })
  await p.clock.advance(4999)
  t.same(p.state.runs, [])
  await p.clock.advance(1)
  t.same(p.verdicts, [true])
})

t.test('readiness is tried early in its first period, without counting', async (t) => {
  const p = start('readiness', { periodSeconds: 10, failureThreshold: 1 })
  p.state.result = 'failure'
  await p.clock.advance(1000)
  t.same(p.state.runs, [0, 50, 150, 350, 750])
  t.same(p.failures, [])
  t.same(p.verdicts, [])
  p.state.result = 'success'
  await p.clock.advance(1000)
  t.same(p.verdicts, [true])
  p.state.result = 'failure'
  await p.clock.advance(10_000)
  t.same(p.verdicts, [true, false], 'from then on at its period, and it counts')
  t.equal(p.failures.length, 1)
})

t.test('successThreshold, and startup ends with its success', async (t) => {
  const ready = start('readiness', { periodSeconds: 1, successThreshold: 2 })
  await ready.clock.advance(0)
  t.same(ready.verdicts, [])
  await ready.clock.advance(1000)
  t.same(ready.verdicts, [true])
  const startup = start('startup', { periodSeconds: 1 })
  await startup.clock.advance(5000)
  t.same(startup.state.runs, [0])
})

t.test('stop', async (t) => {
  const p = start('liveness', { periodSeconds: 1 })
  p.worker.stop()
  await p.clock.advance(5000)
  t.same(p.state.runs, [])
})
