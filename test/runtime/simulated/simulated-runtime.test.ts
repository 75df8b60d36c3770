import { Duplex } from 'node:stream'
import t from 'tap'
import { systemClock } from '../../../src/base/clock.js'
import { isMkError } from '../../../src/base/errors.js'
import { simulatedAnnotations } from '../../../src/runtime/simulated/simulated-container.js'
import { createSimulatedRuntime } from '../../../src/runtime/simulated/simulated-runtime.js'
import { containerSpec, recordEvents, runtimeSuite, sandboxSpec } from '../suite.js'

runtimeSuite('simulated', () => {
  const runtime = createSimulatedRuntime({ clock: systemClock, missingImages: ['mk-test/missing:1'] })
  return Promise.resolve({
    runtime,
    image: 'mk-test/busybox:1',
    reopen: () => Promise.resolve(runtime),
    cleanup: () => runtime.destroy()
  })
})

/** A clock that stands until told to go. */
function steppedClock() {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const timers = new Set<{ at: number; callback: () => void }>()
  return {
    now: () => new Date(now),
    after: (delayMs: number, callback: () => void) => {
      const timer = { at: now + delayMs, callback }
      timers.add(timer)
      return () => {
        timers.delete(timer)
      }
    },
    advance(ms: number) {
      now += ms
      for (const timer of [...timers]) {
        if (timer.at > now) continue
        timers.delete(timer)
        timer.callback()
      }
    }
  }
}

void t.test('containers end when their annotations say so', async (t) => {
  const clock = steppedClock()
  const runtime = createSimulatedRuntime({ clock })
  const { until } = recordEvents(runtime)
  const sandbox = await runtime.createSandbox(sandboxSpec('job'))
  const annotations = { [simulatedAnnotations.runSeconds]: '30', [simulatedAnnotations.exitCode]: '4' }
  const id = await runtime.createContainer(containerSpec(sandbox, 'any', '', { annotations }))
  await runtime.startContainer(id)
  clock.advance(29_000)
  t.equal((await runtime.inspectContainer(id)).state, 'running')
  clock.advance(1000)
  await until('exited', id)
  t.match(await runtime.inspectContainer(id), { state: 'exited', exitCode: 4 })
})

void t.test('images: remote ones need a pull, missing ones fail it', async (t) => {
  const runtime = createSimulatedRuntime({
    clock: systemClock,
    remoteImages: ['far:1'],
    missingImages: ['none:1']
  })
  t.equal(await runtime.images.inspect('far:1'), undefined)
  await runtime.images.pull('far:1')
  t.match(await runtime.images.inspect('far:1'), { tags: ['far:1'] })
  await t.rejects(runtime.images.pull('none:1'), { code: 'MK_IMAGE_NOT_FOUND' })
})

void t.test('tests steer commands, logs, connections, exits and lost sandboxes', async (t) => {
  const runtime = createSimulatedRuntime({
    clock: systemClock,
    onExec: (container, command) => ({ exitCode: command.length, output: container.podName }),
    onDial: (_sandbox, port) => (port === 80 ? Duplex.from(['hello']) : undefined)
  })
  const { until } = recordEvents(runtime)
  const sandbox = await runtime.createSandbox(sandboxSpec('web'))
  const id = await runtime.createContainer(containerSpec(sandbox, 'any', ''))
  await runtime.startContainer(id)
  t.strictSame(await runtime.execSync(id, { command: ['a', 'b'] }), {
    exitCode: 2,
    output: 'web',
    timedOut: false
  })
  runtime.writeLog(id, 'one\ntwo')
  const followed = await runtime.logs(id, { follow: true, timestamps: false, tailLines: 1 })
  runtime.writeLog(id, 'three')
  runtime.killSandbox(sandbox.id)
  let text = ''
  for await (const chunk of followed.output) text += String(chunk)
  t.equal(text, 'two\nthree\n')
  await until('exited', sandbox.id)
  t.match((await runtime.list()).sandboxes, [{ state: 'stopped' }])
  await t.rejects(runtime.dial(sandbox.id, 81), /connection refused/)
  t.ok(await runtime.dial(sandbox.id, 80))
  t.ok(isMkError(await runtime.inspectContainer('none').catch((e: unknown) => e), 'MK_CONTAINER_NOT_FOUND'))
})
