import type { Ingress, IngressClass, Secret } from '../api/types.js'
import { ignoredAnnotations } from '../api/warnings/ingress-warnings.js'
import { keyOf } from '../base/object.js'
import type { Informer } from '../client/informer.js'
import { buildIngressModel, isServed } from './ingress/build-ingress-model.js'
import type { IngressModel } from './ingress/ingress-model.js'

export interface IngressProblem {
  ingress: Ingress
  reason: string
  message: string
}

export interface IngressTrackerOptions {
  ingresses: Informer<Ingress>
  classes: Informer<IngressClass>
  secrets: Informer<Secret>
  /** All Ingresses that mk serves, whenever any of them has changed. */
  onChange(models: IngressModel[]): void
  /** What is wrong with an Ingress; told once until it changes. */
  onProblem(problem: IngressProblem): void
}

/** Follows Ingresses, their classes and TLS secrets. */
export class IngressTracker {
  readonly #options: IngressTrackerOptions
  readonly #unsubscribe: (() => void)[] = []
  readonly #told = new Map<string, string>()
  #tlsSecrets = new Set<string>()
  #text = ''
  #queued = false
  #stopped = false

  constructor(options: IngressTrackerOptions) {
    this.#options = options
  }

  /** All three informers must be synced. */
  start(): void {
    const { ingresses, classes, secrets } = this.#options
    this.#flush()
    const mark = () => {
      this.#mark()
    }
    this.#unsubscribe.push(
      ingresses.onChange(mark),
      classes.onChange(mark),
      secrets.onChange(({ object }) => {
        if (this.#tlsSecrets.has(keyOf(object))) this.#mark()
      })
    )
  }

  stop(): void {
    this.#stopped = true
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  #mark(): void {
    if (this.#queued) return
    this.#queued = true
    setImmediate(() => {
      this.#queued = false
      if (!this.#stopped) this.#flush()
    })
  }

  #flush(): void {
    const { ingresses, classes, secrets } = this.#options
    const tlsSecrets = new Set<string>()
    const secretOf = (key: string) => {
      tlsSecrets.add(key)
      return secrets.get(key)
    }
    const models: IngressModel[] = []
    const all = classes.list()
    for (const ingress of ingresses.list()) {
      if (!isServed(ingress, (name) => classes.get(name), all)) {
        this.#tell(ingress, 'NotServed', notServed(ingress))
        continue
      }
      const { model, problems } = buildIngressModel(ingress, secretOf)
      models.push(model)
      this.#tell(ingress, 'BadCertificate', problems.join('; '))
      const ignored = ignoredAnnotations(ingress)
      const list = `mk does not act on these annotations: ${ignored.join(', ')}`
      this.#tell(ingress, 'AnnotationsIgnored', ignored.length > 0 ? list : '')
    }
    this.#tlsSecrets = tlsSecrets
    const text = JSON.stringify(models)
    if (text === this.#text) return
    this.#text = text
    this.#options.onChange(models)
  }

  #tell(ingress: Ingress, reason: string, message: string): void {
    const id = `${ingress.metadata.uid} ${reason}`
    if ((this.#told.get(id) ?? '') === message) return
    this.#told.set(id, message)
    if (message !== '') this.#options.onProblem({ ingress, reason, message })
  }
}

function notServed({ spec }: Ingress): string {
  const name = spec.ingressClassName
  if (name === undefined) return 'no IngressClass is the default: set spec.ingressClassName to mk'
  return `its class is ${name}, which is not mk's: set spec.ingressClassName to mk, or leave it out`
}
