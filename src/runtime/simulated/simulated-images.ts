import { MkError } from '../../base/errors.js'
import type { Images, ImageState } from '../runtime.js'

/** Images by name only: all are there, but those told to be remote (need a pull) or missing (can't be pulled). */
export class SimulatedImages implements Images {
  readonly #missing: ReadonlySet<string>
  readonly #remote: Set<string>
  readonly #seen = new Map<string, ImageState>()

  constructor(options: { missing: readonly string[]; remote: readonly string[] }) {
    this.#missing = new Set(options.missing)
    this.#remote = new Set(options.remote)
  }

  inspect(reference: string): Promise<ImageState | undefined> {
    const absent = this.#missing.has(reference) || this.#remote.has(reference)
    return Promise.resolve(absent ? undefined : this.#state(reference))
  }

  list(): Promise<ImageState[]> {
    return Promise.resolve([...this.#seen.values()])
  }

  pull(reference: string): Promise<ImageState> {
    if (this.#missing.has(reference)) {
      const message = `pull access denied for ${reference}, repository does not exist or may require 'docker login'`
      return Promise.reject(new MkError('MK_IMAGE_NOT_FOUND', message))
    }
    this.#remote.delete(reference)
    return Promise.resolve(this.#state(reference))
  }

  remove(id: string): Promise<void> {
    for (const [reference, image] of this.#seen) {
      if (image.id !== id) continue
      this.#seen.delete(reference)
      this.#remote.add(reference)
    }
    return Promise.resolve()
  }

  #state(reference: string): ImageState {
    const known = this.#seen.get(reference)
    if (known) return known
    const image: ImageState = {
      id: `sha256:simulated-${reference}`,
      tags: [reference],
      digests: [],
      sizeBytes: 1_000_000,
      user: '',
      entrypoint: ['/entrypoint'],
      cmd: [],
      volumes: []
    }
    this.#seen.set(reference, image)
    return image
  }
}
