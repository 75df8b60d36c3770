import t from 'tap'
import { isMkError } from '../../src/base/errors.js'
import type {
  ContainerSpec,
  ContainerState,
  Runtime,
  RuntimeListener,
  SandboxSpec
} from '../../src/runtime/runtime.js'
import { simulatedAnnotations } from '../../src/runtime/simulated/simulated-container.js'

type Event = Parameters<RuntimeListener['onContainer']>[0]

export interface SuiteRuntime {
  runtime: Runtime
  /** An image with /bin/busybox. */
  image: string
  /** Stops the runtime and gives what a new daemon would have: another one over the same containers. */
  reopen: () => Promise<Runtime>
  cleanup: () => Promise<void>
}

export function sandboxSpec(name: string, extra: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    podNamespace: 'default',
    podName: name,
    podUid: `uid-of-${name}`,
    node: 'node-1',
    hostname: name,
    resolvConfPath: '',
    hostsPath: '',
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    shareProcessNamespace: false,
    sysctls: {},
    hostPorts: [],
    ...extra
  }
}

export function containerSpec(
  sandbox: { id: string; podName: string },
  image: string,
  script: string,
  extra: Partial<ContainerSpec> = {}
): ContainerSpec {
  return {
    podNamespace: 'default',
    podName: sandbox.podName,
    podUid: `uid-of-${sandbox.podName}`,
    node: 'node-1',
    sandboxId: sandbox.id,
    containerName: 'main',
    kind: 'app',
    attempt: 0,
    specHash: 'abc',
    annotations: {},
    image,
    command: ['/bin/busybox', 'sh', '-c', script],
    env: [],
    supplementalGroups: [],
    mounts: [],
    resources: {},
    oomScoreAdj: 0,
    tty: false,
    stdin: false,
    stdinOnce: false,
    capabilitiesAdd: [],
    capabilitiesDrop: [],
    privileged: false,
    readOnlyRootFilesystem: false,
    noNewPrivileges: false,
    ...extra
  }
}

/** Collects events; `until` resolves as soon as one matches, past ones included. */
export function recordEvents(runtime: Runtime) {
  const events: Event[] = []
  const waiting = new Set<() => void>()
  const unsubscribe = runtime.subscribe({
    onContainer: (event) => {
      events.push(event)
      for (const check of [...waiting]) check()
    },
    onResync: () => undefined
  })
  const until = (type: Event['type'], id: string): Promise<Event> =>
    new Promise((resolve) => {
      const check = () => {
        const found = events.find((event) => event.type === type && event.id === id)
        if (!found) return
        waiting.delete(check)
        resolve(found)
      }
      waiting.add(check)
      check()
    })
  return { events, until, unsubscribe }
}

const code =
  (...codes: Parameters<typeof isMkError>[1][]) =>
  (error: unknown) =>
    isMkError(error, ...codes)
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error
  )

/** What every runtime must do; run for each implementation. */
export function runtimeSuite(name: string, open: () => Promise<SuiteRuntime>): void {
  t.setTimeout(180_000)
  void t.test(`${name} runtime`, async (t) => {
    const { runtime, image, reopen, cleanup } = await open()
    t.teardown(cleanup)
    // mk's clock never keeps a process alive; a daemon's server does, here it is this.
    const alive = setInterval(() => undefined, 1000)
    t.teardown(() => {
      clearInterval(alive)
    })
    const make = async (pod: string, script: string, extra: Partial<ContainerSpec> = {}) => {
      const sandbox = await runtime.createSandbox(sandboxSpec(pod))
      return { sandbox, id: await runtime.createContainer(containerSpec(sandbox, image, script, extra)) }
    }

    await t.test('tells what the engine is', async (t) => {
      const info = await runtime.info()
      t.ok(info.cpus >= 1)
      t.ok(info.memoryBytes > 0)
      t.match(info.architecture, /^(amd64|arm64)$/)
    })

    await t.test('a container goes from created over running to exited, and events tell', async (t) => {
      const { until, unsubscribe } = recordEvents(runtime)
      t.teardown(unsubscribe)
      const { sandbox, id } = await make('life', 'exit 3', {
        annotations: {
          [simulatedAnnotations.runSeconds]: '0',
          [simulatedAnnotations.exitCode]: '3',
          kept: 'yes'
        },
        attempt: 2,
        kind: 'init'
      })
      t.match(await runtime.inspectContainer(id), {
        id,
        state: 'created',
        attempt: 2,
        kind: 'init',
        sandboxId: sandbox.id
      })
      await runtime.startContainer(id)
      t.match(await until('started', id), { podUid: 'uid-of-life', sandbox: false })
      t.match(await until('exited', id), { podUid: 'uid-of-life', sandbox: false })
      const state: ContainerState = await runtime.inspectContainer(id)
      t.match(state, {
        state: 'exited',
        exitCode: 3,
        oomKilled: false,
        podNamespace: 'default',
        podName: 'life',
        podUid: 'uid-of-life',
        node: 'node-1',
        containerName: 'main',
        specHash: 'abc',
        image
      })
      t.equal(state.annotations['kept'], 'yes')
      t.ok(state.startedAt && state.finishedAt && state.finishedAt >= state.startedAt)
      await runtime.removeContainer(id)
      await until('removed', id)
      t.ok(code('MK_CONTAINER_NOT_FOUND')(await failure(runtime.inspectContainer(id))))
      await runtime.removeContainer(id)
      await runtime.removeSandbox(sandbox.id)
      await until('removed', sandbox.id)
      await runtime.removeSandbox(sandbox.id)
      const all = await runtime.list()
      t.notOk(all.sandboxes.some((s) => s.id === sandbox.id))
      t.notOk(all.containers.some((c) => c.id === id))
    })

    await t.test('a container that cannot start says why, and has ended', async (t) => {
      const { sandbox, id } = await make('broken', '', {
        command: ['/no/such/program'],
        annotations: {
          [simulatedAnnotations.startError]: 'exec: "/no/such/program": no such file or directory'
        }
      })
      const error = await failure(runtime.startContainer(id))
      t.ok(code('MK_ENGINE_FAILED')(error))
      t.match((error as Error).message, /\/no\/such\/program/)
      t.match(await runtime.inspectContainer(id), { state: 'exited', exitCode: 127 })
      await runtime.removeContainer(id)
      await runtime.removeSandbox(sandbox.id)
    })

    await t.test('an image that is not there', async (t) => {
      const sandbox = await runtime.createSandbox(sandboxSpec('no-image'))
      t.equal(await runtime.images.inspect('mk-test/missing:1'), undefined)
      const error = await failure(runtime.createContainer(containerSpec(sandbox, 'mk-test/missing:1', '')))
      t.ok(code('MK_IMAGE_NOT_FOUND')(error))
      t.match(await runtime.images.inspect(image), { tags: [image] })
      await runtime.removeSandbox(sandbox.id)
    })

    await t.test(
      'stopping ends a container; stopping again and stopping a missing one is no error',
      async (t) => {
        const { sandbox, id } = await make('stopped', 'while true; do sleep 1; done')
        await runtime.startContainer(id)
        await runtime.stopContainer(id, { graceSeconds: 0 })
        t.equal((await runtime.inspectContainer(id)).state, 'exited')
        await runtime.stopContainer(id, { graceSeconds: 5 })
        await runtime.removeContainer(id)
        await runtime.stopContainer(id, { graceSeconds: 5 })
        await runtime.removeSandbox(sandbox.id)
      }
    )

    await t.test(
      'sandboxes have addresses of their own, and get a former one back when it is free',
      async (t) => {
        const [one, two] = await Promise.all([
          runtime.createSandbox(sandboxSpec('one')),
          runtime.createSandbox(sandboxSpec('two'))
        ])
        t.match(one, { podName: 'one', podUid: 'uid-of-one', state: 'ready' })
        t.not(one.ip, two.ip)
        t.match(one.ip, /^\d+\.\d+\.\d+\.\d+$/)
        await runtime.removeSandbox(one.id)
        const again = await runtime.createSandbox(sandboxSpec('one', { preferredIp: one.ip }))
        t.equal(again.ip, one.ip)
        const taken = await runtime.createSandbox(sandboxSpec('three', { preferredIp: two.ip }))
        t.not(taken.ip, two.ip)
        const host = await runtime.createSandbox(sandboxSpec('host', { hostNetwork: true }))
        t.equal(host.ip, '')
        for (const { id } of [two, again, taken, host]) await runtime.removeSandbox(id)
      }
    )

    await t.test('what prepares sandboxes runs before they are handed out', async (t) => {
      const prepared = new Map<string, boolean>()
      runtime.network.onSandbox((id) => {
        prepared.set(id, runtime.network.sandboxIds().includes(id))
        return Promise.resolve()
      })
      const sandbox = await runtime.createSandbox(sandboxSpec('prepared'))
      t.equal(prepared.get(sandbox.id), true, 'prepared, and it could be addressed by then')
      await runtime.removeSandbox(sandbox.id)
      t.notOk(runtime.network.sandboxIds().includes(sandbox.id))
    })

    await t.test('commands, output', async (t) => {
      const { sandbox, id } = await make('tools', 'echo out; echo err >&2; while true; do sleep 1; done')
      await runtime.startContainer(id)
      t.match(await runtime.execSync(id, { command: ['/bin/busybox', 'true'], timeoutMs: 5000 }), {
        exitCode: 0,
        timedOut: false
      })
      const session = await runtime.exec(id, { command: ['/bin/busybox', 'true'], stdin: false, tty: false })
      t.equal(await session.exitCode, 0)
      t.ok((await runtime.stats(id)).cpuUsageNanoseconds >= 0)
      const logs = await runtime.logs(id, { follow: false, timestamps: false })
      for await (const chunk of logs.output) t.ok(chunk)
      logs.close()
      await runtime.stopContainer(id, { graceSeconds: 0 })
      await runtime.removeContainer(id)
      await runtime.removeSandbox(sandbox.id)
    })

    let last = runtime
    await t.test('the next daemon finds everything, and gives no address twice', async (t) => {
      const { sandbox, id } = await make('kept', 'while true; do sleep 1; done', {
        annotations: { a: 'b' }
      })
      await runtime.startContainer(id)
      const before = await runtime.inspectContainer(id)
      const next = await reopen()
      last = next
      const { sandboxes, containers } = await next.list()
      t.strictSame(
        sandboxes.filter((s) => s.id === sandbox.id).map(({ createdAt: _, ...rest }) => rest),
        [
          {
            podNamespace: 'default',
            podName: 'kept',
            podUid: 'uid-of-kept',
            node: 'node-1',
            id: sandbox.id,
            ip: sandbox.ip,
            state: 'ready'
          }
        ]
      )
      t.strictSame(
        containers.filter((c) => c.id === id),
        [before]
      )
      const other = await next.createSandbox(sandboxSpec('other', { preferredIp: sandbox.ip }))
      t.not(other.ip, sandbox.ip)
      await next.stopContainer(id, { graceSeconds: 0 })
      await next.removeContainer(id)
      await next.removeSandbox(sandbox.id)
      await next.removeSandbox(other.id)
    })

    await t.test('destroy leaves nothing', async (t) => {
      const sandbox = await last.createSandbox(sandboxSpec('last'))
      const id = await last.createContainer(containerSpec(sandbox, image, 'while true; do sleep 1; done'))
      await last.startContainer(id)
      await last.destroy()
      await last.start()
      t.strictSame(await last.list(), { sandboxes: [], containers: [] })
      await last.destroy()
    })
  })
}
