import type { EndpointSlice, Node, Service } from '../api/types.js'
import { keyOf } from '../base/object.js'
import type { Informer } from '../client/informer.js'
import { buildServiceModel } from './services/build-model.js'
import type { ServiceModel } from './services/service-model.js'

const serviceNameLabel = 'kubernetes.io/service-name'
const sliceIndex = 'byService'

export interface ServiceChanges {
  set: ServiceModel[]
  removed: string[]
}

/**
 * Follows Services and EndpointSlices and reports the models that differ from before; all events of one turn of the
 * event loop together, so that a rolling update is one step where it can be.
 */
export class ServiceTracker {
  readonly #services: Informer<Service>
  readonly #slices: Informer<EndpointSlice>
  readonly #models = new Map<string, { model: ServiceModel; text: string }>()
  readonly #dirty = new Set<string>()
  readonly #unsubscribe: (() => void)[] = []
  readonly #onChange: (changes: ServiceChanges) => void
  #queued = false

  constructor(options: {
    services: Informer<Service>
    slices: Informer<EndpointSlice>
    onChange(changes: ServiceChanges): void
  }) {
    this.#services = options.services
    this.#slices = options.slices
    this.#onChange = (changes) => {
      options.onChange(changes)
    }
    this.#slices.index(sliceIndex, (slice) => [serviceKeyOf(slice) ?? []].flat())
  }

  /** Both informers must be synced: until then a Service would look as if it had no endpoints. */
  start(): void {
    this.#unsubscribe.push(
      this.#services.onChange(({ object }) => {
        this.#mark(keyOf(object))
      }),
      this.#slices.onChange(({ object, previous }) => {
        for (const slice of [object, previous]) {
          const key = slice && serviceKeyOf(slice)
          if (key !== undefined) this.#mark(key)
        }
      })
    )
    this.#flush()
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    this.#dirty.clear()
  }

  models(): ServiceModel[] {
    return [...this.#models.values()].map(({ model }) => model)
  }

  #mark(key: string): void {
    this.#dirty.add(key)
    if (this.#queued) return
    this.#queued = true
    setImmediate(() => {
      this.#queued = false
      this.#flush()
    })
  }

  #flush(): void {
    const changes: ServiceChanges = { set: [], removed: [] }
    for (const key of this.#dirty) {
      const service = this.#services.get(key)
      if (!service) {
        if (this.#models.delete(key)) changes.removed.push(key)
        continue
      }
      const model = buildServiceModel(service, this.#slices.byIndex(sliceIndex, key))
      const text = JSON.stringify(model)
      if (this.#models.get(key)?.text === text) continue
      this.#models.set(key, { model, text })
      changes.set.push(model)
    }
    this.#dirty.clear()
    if (changes.set.length > 0 || changes.removed.length > 0) this.#onChange(changes)
  }
}

function serviceKeyOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel]
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`
}

/** The addresses on which node ports are reached from inside pods. */
export function nodeAddressesOf(nodes: readonly Node[], gateway: string): string[] {
  const internal = nodes
    .flatMap(({ status }) => status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
  return [...new Set([gateway, ...internal.map(({ address }) => address)])].sort()
}
