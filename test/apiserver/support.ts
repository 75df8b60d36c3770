import { kinds } from '../../src/api/registry.js'
import type { Kind } from '../../src/api/kind.js'
import { SchemaRegistry } from '../../src/api/schema/schema-registry.js'
import { systemClock } from '../../src/base/clock.js'
import type { Clock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import type { KubeObject, WatchEvent } from '../../src/base/object.js'
import type { StatusError } from '../../src/base/status.js'
import type { ResourceRequest, Transport, WatchOptions } from '../../src/client/transport.js'
import { Admission } from '../../src/apiserver/admission/admission.js'
import { createObjectReader } from '../../src/apiserver/admission/reader.js'
import { admissionPlugins } from '../../src/apiserver/admission/registry.js'
import type { Core } from '../../src/apiserver/core.js'
import { createResources } from '../../src/apiserver/resources.js'
import { binding } from '../../src/apiserver/subresources/binding.js'
import { finalize } from '../../src/apiserver/subresources/finalize.js'
import { scale } from '../../src/apiserver/subresources/scale.js'
import { componentUser } from '../../src/apiserver/user.js'
import { createStore } from '../../src/store/create-store.js'
import { createMemoryDriver } from '../../src/store/memory-driver.js'
import type { Store } from '../../src/store/store.js'

export const schemas = new SchemaRegistry({ kinds, version: 'v1.36.0+mk' })

/** The kind of this name, as tests name it: `Pod`, or `events.k8s.io/Event`. */
export function kindOf(name: string): Kind {
  const [group, kind] = name.includes('/') ? name.split('/') : [undefined, name]
  const found = kinds.find((one) => one.kind === kind && (group === undefined || one.group === group))
  if (!found) throw new Error(`no kind ${name}`)
  return found
}

export interface Fixture {
  core: Core
  store: Store
  api: Transport
  /** Request for a kind: `at('Pod', 'default', 'x')`, cluster-scoped kinds with undefined. */
  at: (kind: string, namespace?: string, name?: string, subresource?: string) => ResourceRequest
}

/** The resources over a store in memory, with the namespace `default` and its service account. */
export async function fixture(options: { clock?: Clock } = {}): Promise<Fixture> {
  const { clock = systemClock } = options
  const store = await createStore({ driver: createMemoryDriver(), logger: silentLogger, clock })
  const reader = createObjectReader(store, kinds)
  const core: Core = {
    store,
    kinds,
    schemas,
    admission: new Admission(admissionPlugins({ reader, serviceCidr: '10.96.0.0/16' })),
    subresources: new Map([
      ['binding', binding],
      ['finalize', finalize],
      ['scale', scale]
    ]),
    reviews: [],
    clock,
    logger: silentLogger
  }
  const api = createResources(core).as(componentUser('test'))
  const at: Fixture['at'] = (kind, namespace, name, subresource) => ({
    kind: kindOf(kind),
    namespace,
    name,
    subresource
  })
  await api.create(at('Namespace'), { metadata: { name: 'default' } })
  await api.create(at('ServiceAccount', 'default'), { metadata: { name: 'default' } })
  return { core, store, api, at }
}

export const pod = (name: string, extra: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...(extra['metadata'] as object | undefined) },
  spec: { containers: [{ name: 'c', image: 'app' }], ...(extra['spec'] as object | undefined) }
})

export const configMap = (name: string, data: Record<string, string> = {}, metadata = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data
})

export const deployment = (name: string, replicas = 1) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'app' }] } }
  }
})

/** A type without anything optional: tests say what they expect to be there. */
export type Sure<T> = T extends readonly (infer U)[]
  ? Sure<U>[]
  : T extends object
    ? { [K in keyof T]-?: Sure<NonNullable<T[K]>> }
    : T

export const sure = <T extends KubeObject>(object: unknown): Sure<T> => object as Sure<T>

/** What a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<StatusError> {
  try {
    await promise
  } catch (error) {
    return error as StatusError
  }
  throw new Error('expected a failure')
}

export interface Recorder {
  events: WatchEvent[]
  ended: Promise<StatusError | undefined>
  /** Resolves once so many events came. */
  until(count: number): Promise<WatchEvent[]>
  close(): void
}

export function record(api: Transport, request: ResourceRequest, options: WatchOptions): Recorder {
  const events: WatchEvent[] = []
  let wake = () => {}
  let finish: (error?: StatusError) => void = () => {}
  const ended = new Promise<StatusError | undefined>((resolve) => {
    finish = resolve
  })
  const handle = api.watch(request, options, {
    onEvent: (event) => {
      events.push(event)
      wake()
    },
    onEnd: (error) => {
      finish(error)
    }
  })
  return {
    events,
    ended,
    until: async (count) => {
      while (events.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return events
    },
    close: () => {
      handle.close()
    }
  }
}

/** Lines like `ADDED x` of events. */
export const lines = (events: readonly WatchEvent[]): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`)
