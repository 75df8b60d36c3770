import { PassThrough, type Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Clock } from '../../base/clock.js'
import { MkError } from '../../base/errors.js'
import type { ExecOptions, ExecSession } from '../runtime.js'
import { demultiplex } from './demux.js'
import type { Engine } from './engine.js'

const notFound = 'MK_CONTAINER_NOT_FOUND' as const

/** Wires a hijacked connection to the streams of a session. */
function wire(connection: Duplex, tty: boolean) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  let ended: Promise<unknown>
  if (tty) {
    connection.pipe(stdout)
    stderr.end()
    ended = finished(connection, { writable: false }).catch(() => undefined)
    void ended.then(() => stdout.end())
  } else {
    ended = demultiplex(connection, stdout, stderr)
  }
  // A broken connection is an ended one; errors of a client that went away are nobody's news.
  connection.on('error', () => undefined)
  const close = () => {
    connection.destroy()
    stdout.destroy()
    stderr.destroy()
  }
  return { stdout, stderr, ended, close }
}

/** `docker exec` with its streams. */
export async function execSession(
  engine: Engine,
  clock: Clock,
  id: string,
  options: ExecOptions
): Promise<ExecSession> {
  const exec = await engine.call(
    'exec',
    (abortSignal) =>
      engine.docker.getContainer(id).exec({
        Cmd: [...options.command],
        AttachStdin: options.stdin,
        AttachStdout: true,
        AttachStderr: !options.tty,
        Tty: options.tty,
        abortSignal
      }),
    { notFound }
  )
  const connection = await engine.call(
    'exec',
    () => exec.start({ hijack: true, stdin: true, Tty: options.tty }),
    { notFound }
  )
  const { stdout, stderr, ended, close } = wire(connection, options.tty)
  const exitCode = async (): Promise<number> => {
    await ended
    // The streams may end a moment before the engine has noted the exit.
    for (let tries = 0; ; tries++) {
      const { Running, ExitCode } = await engine.call(
        'exec',
        (abortSignal) => exec.inspect({ abortSignal }),
        { notFound }
      )
      if (!Running && ExitCode !== null) return ExitCode
      if (connection.destroyed && tries > 100)
        throw new MkError('MK_ENGINE_FAILED', 'the session was closed while its command ran')
      await new Promise<void>((resolve) => clock.after(Math.min(10 * 2 ** tries, 500), resolve))
    }
  }
  const resize = (size: Size) => exec.resize({ w: size.width, h: size.height }) as Promise<unknown>
  return session(engine, { stdin: connection, stdout, stderr, close }, exitCode(), resize)
}

/** `docker attach`: output from now on, input if the container was made with stdin. */
export async function attachSession(
  engine: Engine,
  id: string,
  options: { stdin: boolean; tty: boolean }
): Promise<ExecSession> {
  const container = engine.docker.getContainer(id)
  const connection = (await engine.call(
    'attach',
    () =>
      container.attach({
        stream: true,
        stdin: options.stdin,
        stdout: true,
        stderr: !options.tty,
        hijack: true
      }),
    { notFound }
  )) as Duplex
  const { stdout, stderr, ended, close } = wire(connection, options.tty)
  const exitCode = async (): Promise<number> => {
    await ended
    const { State } = await engine.call('inspect', (abortSignal) => container.inspect({ abortSignal }), {
      notFound
    })
    if (!State.Running) return State.ExitCode
    if (connection.destroyed) return 0 // let go of a container that runs on
    const answer = (await engine.call(
      'wait',
      (abortSignal) => container.wait({ abortSignal }) as Promise<unknown>,
      { notFound }
    )) as { StatusCode: number }
    return answer.StatusCode
  }
  const resize = (size: Size) => container.resize({ w: size.width, h: size.height }) as Promise<unknown>
  return session(engine, { stdin: connection, stdout, stderr, close }, exitCode(), resize)
}

interface Size {
  width: number
  height: number
}

function session(
  engine: Engine,
  streams: Pick<ExecSession, 'stdin' | 'stdout' | 'stderr' | 'close'>,
  exitCode: Promise<number>,
  resize: (size: Size) => Promise<unknown>
): ExecSession {
  // It may fail before anyone waits for it.
  exitCode.catch(() => undefined)
  return {
    ...streams,
    exitCode,
    resize: async (size) => {
      await engine.call('resize the terminal', () => resize(size), { notFound })
    }
  }
}
