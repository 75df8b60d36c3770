import { endpointSlices as endpointSliceKind } from '../../api/kinds/endpoint-slices.js'
import type { EndpointSlice } from '../../api/types.js'
import type { KubeObject, OwnerReference } from '../../base/object.js'
import { keyOf } from '../../base/object.js'
import { isReason } from '../../base/status.js'
import type { Client } from '../../client/client.js'
import type { Informer } from '../../client/informer.js'
import { isNamespaceTerminating } from '../support/create-pods.js'
import { OwnWrites } from '../support/own-writes.js'
import { planSlices } from './slices.js'
import type { EndpointGroup } from './slices.js'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const headlessLabel = 'service.kubernetes.io/headless'

const indexName = 'managed-by-service'

/** Brings the slices that one controller manages for a service to the wanted endpoints. */
export class SliceWriter {
  readonly #client: Client
  readonly #slices: Informer<EndpointSlice>
  readonly #manager: string
  readonly #ownWrites: OwnWrites<EndpointSlice>

  constructor(options: { client: Client; slices: Informer<EndpointSlice>; manager: string }) {
    this.#client = options.client
    this.#slices = options.slices
    this.#manager = options.manager
    this.#ownWrites = new OwnWrites(options.slices)
    this.#slices.index(indexName, ({ metadata }) => [
      `${metadata.labels?.[managedByLabel] ?? ''}/${metadata.namespace ?? ''}/${metadata.labels?.[serviceNameLabel] ?? ''}`
    ])
  }

  /** The key of the service whose slice this is, if this controller manages it. */
  serviceKeyOf(slice: EndpointSlice): string | undefined {
    const { labels, namespace } = slice.metadata
    if (labels?.[managedByLabel] !== this.#manager) return undefined
    return `${namespace ?? ''}/${labels[serviceNameLabel] ?? ''}`
  }

  existing(key: string): EndpointSlice[] {
    return this.#slices.byIndex(indexName, `${this.#manager}/${key}`)
  }

  /** The informer shows all that was written for the service. */
  settled(key: string): boolean {
    return this.#ownWrites.settled(key)
  }

  /** `service` gives name, namespace and labels; `owner` is what the slices go with. */
  async write(options: {
    service: KubeObject
    owner: OwnerReference
    groups: readonly EndpointGroup[]
    headless: boolean
    placeholder: boolean
  }): Promise<void> {
    const { service, owner, groups, headless, placeholder } = options
    const { name, namespace } = service.metadata
    const key = keyOf(service)
    const labels = {
      ...service.metadata.labels,
      [serviceNameLabel]: name,
      [managedByLabel]: this.#manager,
      ...(headless ? { [headlessLabel]: '' } : {})
    }
    const existing = this.existing(key)
    const plan = planSlices({ existing, groups, labels, placeholder })
    const slices = this.#client.of(endpointSliceKind)
    for (const { ports, endpoints } of plan.create) {
      const metadata = { generateName: `${name}-`, namespace, labels, ownerReferences: [owner] }
      const slice = { metadata, addressType: 'IPv4', ports, endpoints }
      try {
        this.#ownWrites.wrote(key, await slices.create(slice))
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error
      }
    }
    for (const slice of plan.update) this.#ownWrites.wrote(key, await slices.update(slice))
    await this.remove(key, plan.remove)
  }

  async remove(key: string, slices: readonly EndpointSlice[]): Promise<void> {
    for (const slice of slices) {
      try {
        await this.#client.of(endpointSliceKind).delete(slice.metadata)
        this.#ownWrites.deleted(key, slice)
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
  }
}
