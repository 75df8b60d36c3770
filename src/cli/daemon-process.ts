import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ControlFailure } from '../base/control.js'
import { MkError } from '../base/errors.js'
import { createDaemonClient, type DaemonClient, toMkError } from './daemon-client.js'
import type { Io } from './io.js'

/** How long the new process may take until its socket answers. */
const startLimitMs = 20_000
/** Sockets appear without an event that could be awaited. */
const pollMs = 15
/** Longest path of a unix socket on Linux and macOS (sun_path, with its end). */
const maxSocketPath = 103

/**
 * Starts the daemon as a process of its own and resolves when its control socket answers. What it says before that is
 * in its error: it ends with one line of JSON.
 */
export async function startDaemon(io: Io): Promise<DaemonClient> {
  const { paths } = io
  const program = fileURLToPath(new URL('./daemon.js', import.meta.url))
  if (!existsSync(program)) {
    throw new MkError('MK_DAEMON_START', `${program} is missing`, {
      hint: 'run `npm run build`, or install mk again'
    })
  }
  if (Buffer.byteLength(paths.socket) > maxSocketPath) {
    throw new MkError('MK_INPUT', `the socket's path is longer than the system allows: ${paths.socket}`, {
      hint: 'set XDG_RUNTIME_DIR to a shorter folder of yours'
    })
  }
  for (const directory of [paths.state, paths.runtime]) makeDirectory(directory)
  const errorFile = join(paths.state, 'daemon.stderr')
  const child = spawnDetached(program, errorFile, io.env)
  return untilAnswering(child, createDaemonClient(paths.socket), errorFile)
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOSPC') throw new MkError('MK_DISK_FULL', `no space left to make ${directory}`, { cause })
    throw new MkError('MK_DAEMON_START', `can't make ${directory}: ${message}`, { cause })
  }
}

function spawnDetached(program: string, errorFile: string, env: Io['env']): ChildProcess {
  const errors = openSync(errorFile, 'w', 0o600)
  try {
    // Out of the terminal's process group, so that Ctrl-C and logout leave the daemon alone.
    const child = spawn(process.execPath, ['--enable-source-maps', program], {
      detached: true,
      cwd: '/',
      env: { ...env },
      stdio: ['ignore', errors, errors]
    })
    child.unref()
    return child
  } finally {
    closeSync(errors)
  }
}

async function untilAnswering(
  child: ChildProcess,
  client: DaemonClient,
  errorFile: string
): Promise<DaemonClient> {
  let ended: string | undefined
  child.on('exit', (code, signal) => (ended = signal ?? `exit code ${code}`))
  child.on('error', (error) => (ended = error.message))
  for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += pollMs) {
    if (ended !== undefined) throw startError(errorFile, ended)
    if (await client.status()) return client
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  throw new MkError(
    'MK_DAEMON_START',
    `the daemon (process ${child.pid}) does not answer after ${startLimitMs / 1000} s`,
    {
      hint: `what it said is in ${errorFile}`
    }
  )
}

/** The last line of JSON that the daemon wrote, or all that it wrote. */
function startError(errorFile: string, ended: string): MkError {
  const lines = readFileSync(errorFile, 'utf8').trim().split('\n')
  for (const line of lines.reverse()) {
    try {
      return toMkError((JSON.parse(line) as ControlFailure).error)
    } catch {
      // Not the line we look for.
    }
  }
  return new MkError('MK_DAEMON_START', `the daemon did not start (${ended}): ${lines[0] ?? ''}`, {
    hint: `all that it said is in ${errorFile}`
  })
}
