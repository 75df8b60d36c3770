import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { isMkError, MkError } from '../../base/errors.js'
import type { Images, ImageState, RegistryAuth } from '../runtime.js'
import type { Engine } from './engine.js'
import { engineMessage } from './engine-errors.js'
import { jsonLines } from './json-lines.js'

/** A pull may take long; it is given up when nothing came for this time. */
const pullStallMs = 300_000

const list = (value: string | string[] | undefined | null): string[] =>
  value === undefined || value === null ? [] : typeof value === 'string' ? [value] : value

function imageState(answer: Docker.ImageInspectInfo): ImageState {
  // Engines with the containerd store leave out what is empty.
  const config = answer.Config as Partial<Docker.ImageInspectInfo['Config']> | null | undefined
  return {
    id: answer.Id,
    tags: list(answer.RepoTags),
    digests: list(answer.RepoDigests),
    sizeBytes: answer.Size,
    user: config?.User ?? '',
    entrypoint: list(config?.Entrypoint),
    cmd: list(config?.Cmd),
    volumes: Object.keys((config?.Volumes as Record<string, unknown> | null | undefined) ?? {})
  }
}

/** Repository and tag or digest, as the engine's pull wants them: without a tag it would pull every one. */
export function splitReference(reference: string): { fromImage: string; tag: string } {
  const at = reference.indexOf('@')
  if (at >= 0) return { fromImage: reference.slice(0, at), tag: reference.slice(at + 1) }
  const colon = reference.lastIndexOf(':')
  if (colon > reference.lastIndexOf('/'))
    return { fromImage: reference.slice(0, colon), tag: reference.slice(colon + 1) }
  return { fromImage: reference, tag: 'latest' }
}

// The engine has no codes for these; the texts are its own and the registries' (distribution error codes).
const absent =
  /manifest unknown|manifest for .* not found|name unknown|repository does not exist|pull access denied|requested access to the resource is denied|not found/i

function pullError(message: string, status: number | undefined, cause?: unknown): MkError {
  const code = status === 404 || absent.test(message) ? 'MK_IMAGE_NOT_FOUND' : 'MK_ENGINE_FAILED'
  return new MkError(/no space left on device/i.test(message) ? 'MK_DISK_FULL' : code, message, { cause })
}

interface PullLine {
  id?: string
  error?: string
  errorDetail?: { message?: string }
  progressDetail?: { current?: number; total?: number }
}

export class DockerImages implements Images {
  readonly #source: () => Engine

  /** @param engine asked at each use: the runtime has it once it has started */
  constructor(engine: () => Engine) {
    this.#source = engine
  }

  get #engine(): Engine {
    return this.#source()
  }

  async inspect(reference: string): Promise<ImageState | undefined> {
    const { docker } = this.#engine
    try {
      const answer = await this.#engine.call(
        `inspect the image ${reference}`,
        () => docker.getImage(reference).inspect(),
        {
          notFound: 'MK_IMAGE_NOT_FOUND'
        }
      )
      return imageState(answer)
    } catch (error) {
      if (isMkError(error, 'MK_IMAGE_NOT_FOUND')) return undefined
      throw error
    }
  }

  async list(): Promise<ImageState[]> {
    const answers = await this.#engine.call('list the images', () => this.#engine.docker.listImages())
    return answers.map((image) => ({
      id: image.Id,
      tags: list(image.RepoTags).filter((tag) => tag !== '<none>:<none>'),
      digests: list(image.RepoDigests).filter((digest) => !digest.startsWith('<none>')),
      sizeBytes: image.Size,
      // The list does not say; whoever needs them inspects.
      user: '',
      entrypoint: [],
      cmd: [],
      volumes: []
    }))
  }

  async pull(reference: string, options: Parameters<Images['pull']>[1]): Promise<ImageState> {
    const abort = new AbortController()
    const giveUp = () => {
      abort.abort()
    }
    if (options.signal?.aborted) giveUp()
    options.signal?.addEventListener('abort', giveUp, { once: true })
    let stalled: NodeJS.Timeout | undefined
    const alive = () => {
      clearTimeout(stalled)
      stalled = setTimeout(giveUp, pullStallMs)
    }
    alive()
    try {
      const source = await this.#startPull(reference, options.auth, abort.signal)
      for await (const value of jsonLines(source)) {
        alive()
        const line = value as PullLine
        const message = line.errorDetail?.message ?? line.error
        if (message !== undefined) throw pullError(message, undefined)
        const { current, total } = line.progressDetail ?? {}
        if (line.id && current !== undefined)
          options.onProgress?.({ layer: line.id, currentBytes: current, totalBytes: total ?? 0 })
      }
    } catch (error) {
      if (abort.signal.aborted) {
        const why = options.signal?.aborted
          ? 'was cancelled'
          : `got nothing for ${String(pullStallMs / 1000)} s`
        throw new MkError('MK_ENGINE_TIMEOUT', `the pull of ${reference} ${why}`, { cause: error })
      }
      throw error
    } finally {
      clearTimeout(stalled)
      options.signal?.removeEventListener('abort', giveUp)
    }
    const image = await this.inspect(reference)
    if (!image) throw new MkError('MK_IMAGE_NOT_FOUND', `the engine pulled ${reference} but does not have it`)
    return image
  }

  async #startPull(
    reference: string,
    auth: RegistryAuth | undefined,
    abortSignal: AbortSignal
  ): Promise<Readable> {
    const { docker } = this.#engine
    const credentials = auth && {
      username: auth.username,
      password: auth.password,
      serveraddress: auth.serverAddress
    }
    const request = { ...splitReference(reference), abortSignal }
    try {
      // The types know neither a separate auth argument nor its promise.
      const { createImage } = docker as unknown as {
        createImage: (this: unknown, auth: object | undefined, request: object) => Promise<Readable>
      }
      return await this.#engine.call(
        `pull ${reference}`,
        () => createImage.call(docker, credentials, request),
        {
          timeoutMs: pullStallMs
        }
      )
    } catch (error) {
      if (!isMkError(error, 'MK_ENGINE_FAILED')) throw error
      const { statusCode } = (error.cause ?? {}) as { statusCode?: number }
      throw pullError(engineMessage(error.cause ?? error), statusCode, error.cause)
    }
  }

  async remove(id: string): Promise<void> {
    try {
      await this.#engine.call(
        `remove the image ${id}`,
        () => this.#engine.docker.getImage(id).remove() as Promise<unknown>,
        { notFound: 'MK_IMAGE_NOT_FOUND', timeoutMs: 120_000 }
      )
    } catch (error) {
      if (!isMkError(error, 'MK_IMAGE_NOT_FOUND')) throw error
    }
  }
}
