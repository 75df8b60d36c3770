import type { StatusError } from '../../src/base/status.js'
import type { Transport } from '../../src/client/transport.js'

/** The API, of which a call can be made to fail. */
export class FailingTransport implements Transport {
  readonly #api: Transport
  readonly #failures: { verb: 'get' | 'update'; error: StatusError }[] = []
  readonly get: Transport['get'] = (...call) => this.#failed('get') ?? this.#api.get(...call)
  readonly update: Transport['update'] = (...call) => this.#failed('update') ?? this.#api.update(...call)
  readonly list: Transport['list'] = (...call) => this.#api.list(...call)
  readonly watch: Transport['watch'] = (...call) => this.#api.watch(...call)
  readonly create: Transport['create'] = (...call) => this.#api.create(...call)
  readonly patch: Transport['patch'] = (...call) => this.#api.patch(...call)
  readonly delete: Transport['delete'] = (...call) => this.#api.delete(...call)
  readonly deleteCollection: Transport['deleteCollection'] = (...call) => this.#api.deleteCollection(...call)

  constructor(api: Transport) {
    this.#api = api
  }

  /** The next call of the verb fails with the error. */
  failNext(verb: 'get' | 'update', error: StatusError): void {
    this.#failures.push({ verb, error })
  }

  #failed(verb: 'get' | 'update'): Promise<never> | undefined {
    const index = this.#failures.findIndex((failure) => failure.verb === verb)
    return index < 0
      ? undefined
      : Promise.reject(this.#failures.splice(index, 1)[0]?.error ?? new Error('none'))
  }
}
