import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { events } from '../../src/api/kinds/events.js'
import { pods } from '../../src/api/kinds/pods.js'
import type { Container, ContainerStatus, Pod, PodSpec } from '../../src/api/types.js'
import { systemClock } from '../../src/base/clock.js'
import { createLogger } from '../../src/base/logger.js'
import { createClient } from '../../src/client/client.js'
import { createInformerFactory } from '../../src/client/informer-factory.js'
import { createKubelet } from '../../src/kubelet/kubelet.js'
import type { KubeletOptions } from '../../src/kubelet/kubelet.js'
import type { KubeletTiming } from '../../src/kubelet/pod-view.js'
import type { ContainerState, Runtime } from '../../src/runtime/runtime.js'
import type { SimulatedRuntimeOptions } from '../../src/runtime/simulated/simulated-runtime.js'
import { createSimulatedRuntime } from '../../src/runtime/simulated/simulated-runtime.js'
import { eventually } from '../fixtures/eventually.js'
import { fixture as apiFixture } from '../apiserver/support.js'
import { FailingTransport } from './failing-transport.js'

export const nodeName = 'node-1'

/** Everything that takes seconds takes milliseconds. */
export const fastTiming: KubeletTiming = {
  crashBackoffMs: 40,
  crashBackoffMaxMs: 300_000,
  imageBackoffMs: 40,
  imageBackoffMaxMs: 1000,
  retryMs: 10,
  retryMaxMs: 50,
  heartbeatMs: 10_000,
  resyncMs: 120_000
}

export interface FixtureOptions {
  runtime?: Partial<SimulatedRuntimeOptions>
  /** Changes the runtime's behaviour. */
  wrap?: (runtime: Runtime) => Runtime
  kubelet?: Partial<KubeletOptions>
}

interface Teardown {
  teardown: (fn: () => unknown) => unknown
}

/** A kubelet on the simulated runtime and the API on a store in memory. */
export async function startKubelet(t: Teardown, options: FixtureOptions = {}) {
  const log: string[] = []
  const logger = createLogger({ write: (line) => log.push(line), level: 'debug' })
  const clock = systemClock
  const { api, store } = await apiFixture({ clock })
  const transport = new FailingTransport(api)
  const client = createClient(transport)
  const simulated = createSimulatedRuntime({ clock, ...options.runtime })
  const runtime = options.wrap?.(simulated) ?? simulated
  const stateDir = mkdtempSync(join(tmpdir(), 'mk-kubelet-'))
  const informers = createInformerFactory({ client, logger, clock })
  informers.start()
  const make = () =>
    createKubelet({
      nodeName,
      client,
      informers,
      runtime,
      clock,
      logger,
      stateDir,
      clusterDns: '10.96.0.10',
      timing: fastTiming,
      ...options.kubelet
    })
  const fixture = {
    transport,
    client,
    runtime: simulated,
    kubelet: make(),
    informers,
    log,
    stateDir,
    ...helpers()
  }
  await fixture.kubelet.start()
  // The clock's timers do not keep the process alive.
  const keepAlive = setInterval(() => {}, 1000)
  t.teardown(() => {
    clearInterval(keepAlive)
    fixture.kubelet.stop()
    informers.stop()
    void store.close()
    rmSync(stateDir, { recursive: true, force: true })
  })

  function helpers() {
    const podOf = (name: string) => client.of(pods).get({ namespace: 'default', name })
    return {
      podOf,
      create: (name: string, spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}) =>
        client
          .of(pods)
          .create({ ...podObject(name, spec), metadata: { name, namespace: 'default', ...metadata } }),
      /** Waits until the pod's status fits. */
      until: async (name: string, what: string, check: (pod: Pod) => unknown) => {
        let last: Pod | undefined
        try {
          await eventually(async () => {
            last = await podOf(name)
            return Boolean(check(last))
          }, what)
        } catch (error) {
          throw new Error(`${what}: ${JSON.stringify(last?.status, null, 1)}\n${log.slice(-10).join('')}`, {
            cause: error
          })
        }
      },
      gone: (name: string) =>
        eventually(
          async () =>
            (await client.of(pods).list({ namespace: 'default' })).items.every(
              (p) => p.metadata.name !== name
            ),
          `${name} gone`
        ),
      containers: async (name?: string): Promise<ContainerState[]> =>
        (await simulated.list()).containers.filter((c) => name === undefined || c.containerName === name),
      eventsOf: async (): Promise<string[]> =>
        (await client.of(events).list()).items.map(
          ({ reason = '', message = '' }) => `${reason}: ${message}`
        ),
      /** The same node after its kubelet died. */
      restart: async () => {
        fixture.kubelet.stop()
        fixture.kubelet = make()
        await fixture.kubelet.start()
      }
    }
  }
  return fixture
}

export const podObject = (name: string, spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name, namespace: 'default', uid: 'uid-1', resourceVersion: '1' },
  spec: {
    nodeName,
    restartPolicy: 'Always',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    containers: [container('app')],
    ...spec
  }
})

export const container = (name: string, fields: Partial<Container> = {}): Container => ({
  name,
  image: 'app:1',
  imagePullPolicy: 'IfNotPresent',
  ...fields
})

export const statusOf = (pod: Pod, name: string): ContainerStatus | undefined =>
  [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
    (s) => s.name === name
  )

export const conditionOf = (pod: Pod, type: string): string | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type)?.status
