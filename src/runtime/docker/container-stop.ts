import { isMkError } from '../../base/errors.js'
import type { Engine } from './engine.js'
import { statusOf } from './engine-errors.js'

const notFound = 'MK_CONTAINER_NOT_FOUND' as const

/**
 * Stops a container as `docker stop` does: its stop signal, or the one given, then KILL once the grace period is over.
 * Resolves when it has ended. No error if it is gone or stopped already.
 */
export async function stopContainer(
  engine: Engine,
  id: string,
  options: { graceSeconds: number; signal?: string }
): Promise<void> {
  const container = engine.docker.getContainer(id)
  const t = Math.max(0, Math.ceil(options.graceSeconds))
  const timeoutMs = (t + 60) * 1000
  try {
    if (t === 0) await kill(engine, id, 'KILL')
    else if (options.signal !== undefined) await stopBySignal(engine, id, options.signal, t)
    else
      await engine.call(
        'stop the container',
        (abortSignal) => container.stop({ t, abortSignal }) as Promise<unknown>,
        { notFound, timeoutMs }
      )
    await engine.call(
      'wait for the container',
      (abortSignal) => container.wait({ abortSignal }) as Promise<unknown>,
      { notFound, timeoutMs }
    )
  } catch (error) {
    // 404 gone, 304 stopped already.
    if (!isMkError(error, 'MK_CONTAINER_NOT_FOUND') && statusOf(error) !== 304) throw error
  }
}

async function stopBySignal(engine: Engine, id: string, signal: string, graceSeconds: number): Promise<void> {
  const container = engine.docker.getContainer(id)
  if (!(await kill(engine, id, signal))) return
  await engine
    .call('wait for the container', (abortSignal) => container.wait({ abortSignal }) as Promise<unknown>, {
      notFound,
      timeoutMs: graceSeconds * 1000
    })
    .catch(async (error: unknown) => {
      if (!isMkError(error, 'MK_ENGINE_TIMEOUT')) throw error
      await kill(engine, id, 'KILL')
    })
}

/** False if it does not run (409). */
async function kill(engine: Engine, id: string, signal: string): Promise<boolean> {
  try {
    await engine.call(
      'signal the container',
      (abortSignal) => engine.docker.getContainer(id).kill({ signal, abortSignal }) as Promise<unknown>,
      { notFound }
    )
    return true
  } catch (error) {
    if (statusOf(error) === 409) return false
    throw error
  }
}
