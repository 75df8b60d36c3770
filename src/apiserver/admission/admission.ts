import type { Kind } from '../../api/kind.js'
import type { KubeObject } from '../../base/object.js'
import type { User } from '../user.js'

/** One write on its way in. Mutating plugins change `object` in place; validating ones throw a StatusError. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly kind: Kind
  readonly subresource: string | undefined
  readonly namespace: string | undefined
  readonly name: string
  /** Not there on DELETE. */
  readonly object: KubeObject | undefined
  /** There on UPDATE and DELETE. */
  readonly oldObject: KubeObject | undefined
  readonly user: User
  readonly dryRun: boolean
  readonly warn: (text: string) => void
  /** Runs when the write is stored or has failed: the place to drop what was held for it. */
  readonly onFinished: (callback: () => void) => void
}

export interface AdmissionPlugin {
  readonly name: string
  mutate?(request: AdmissionRequest): void
  validate?(request: AdmissionRequest): void
}

/** All plugins, in order (kube-apiserver's admission chain). */
export class Admission {
  readonly #plugins: readonly AdmissionPlugin[]

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins
  }

  mutate(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.mutate?.(request)
  }

  validate(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.validate?.(request)
  }
}
