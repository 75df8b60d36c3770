import type Docker from 'dockerode'
import { isMkError } from '../../base/errors.js'
import type { Engine } from './engine.js'
import { statusOf } from './engine-errors.js'
import { label } from './labels.js'

const notFound = 'MK_CONTAINER_NOT_FOUND' as const
/** A busy engine may take long for what takes 0.1 s when it is idle. */
export const startTimeoutMs = 120_000

/** Creates a container; one of the same name that an interrupted attempt left unstarted gives way. */
export async function createContainer(
  engine: Engine,
  request: Docker.ContainerCreateOptions
): Promise<string> {
  const create = () =>
    engine.heavy.run(() =>
      engine.call(
        'create the container',
        async (abortSignal) => {
          const container = await engine.docker.createContainer({ ...request, abortSignal })
          return container.id
        },
        { timeoutMs: startTimeoutMs, notFound }
      )
    )
  try {
    return await create()
  } catch (error) {
    if (statusOf(error) !== 409 || request.name === undefined) throw error
    const old = await engine.call(
      'inspect',
      (abortSignal) => engine.docker.getContainer(request.name ?? '').inspect({ abortSignal }),
      { notFound }
    )
    const ours = old.Config.Labels[label.cluster] === request.Labels?.[label.cluster]
    if (!ours || old.State.Running) throw error
    await removeContainer(engine, old.Id)
    return await create()
  }
}

/** Removes a container with its anonymous volumes, running or not. No error if it is missing. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  const container = engine.docker.getContainer(id)
  try {
    await engine.removal.run(() =>
      engine.call(
        'remove the container',
        (abortSignal) => container.remove({ force: true, v: true, abortSignal }) as Promise<unknown>,
        { notFound, timeoutMs: startTimeoutMs }
      )
    )
  } catch (error) {
    if (isMkError(error, 'MK_CONTAINER_NOT_FOUND')) return
    if (statusOf(error) !== 409) throw error
    // Somebody else is removing it: done when they are.
    await engine
      .call(
        'wait for the removal',
        (abortSignal) => container.wait({ condition: 'removed', abortSignal }) as Promise<unknown>,
        { notFound, timeoutMs: startTimeoutMs }
      )
      .catch((waiting: unknown) => {
        if (!isMkError(waiting, 'MK_CONTAINER_NOT_FOUND')) throw waiting
      })
  }
}
