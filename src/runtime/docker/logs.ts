import { PassThrough, pipeline, type Readable } from 'node:stream'
import type { LogOptions, LogStream } from '../runtime.js'
import { interleaved } from './demux.js'
import type { Engine } from './engine.js'

/** The engine takes seconds with a decimal fraction. */
const engineTime = (date: Date): string => (date.getTime() / 1000).toFixed(3)

/** A container's output as the engine kept it, and on from there if followed; ends with the container. */
export async function containerLogs(engine: Engine, id: string, options: LogOptions): Promise<LogStream> {
  const notFound = 'MK_CONTAINER_NOT_FOUND' as const
  const container = engine.docker.getContainer(id)
  const { Config } = await engine.call('inspect', (abortSignal) => container.inspect({ abortSignal }), {
    notFound
  })
  const { modem } = engine.docker as unknown as {
    modem: { dial(request: object, done: (error: Error | null, answer: Readable) => void): void }
  }
  // dockerode gathers logs that are not followed in memory, so ask for the stream ourselves.
  const source = await engine.call(
    'read the logs',
    () =>
      new Promise<Readable>((resolve, reject) => {
        modem.dial(
          {
            path: `/containers/${id}/logs?`,
            method: 'GET',
            isStream: true,
            statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
            options: {
              stdout: true,
              stderr: true,
              follow: options.follow,
              timestamps: options.timestamps,
              ...(options.since ? { since: engineTime(options.since) } : {}),
              ...(options.tailLines === undefined ? {} : { tail: options.tailLines })
            }
          },
          (error, answer) => {
            if (error) reject(error)
            else resolve(answer)
          }
        )
      }),
    { notFound }
  )
  const output = Config.Tty ? new PassThrough() : interleaved()
  // A source that breaks off ends the output; the follower asks again if it wants more.
  pipeline(source, output, () => {
    output.end()
  })
  return {
    output,
    close: () => {
      source.destroy()
      output.destroy()
    }
  }
}
