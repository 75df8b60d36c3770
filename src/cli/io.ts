import type { Readable, Writable } from 'node:stream'
import { type Paths, resolvePaths } from '../base/paths.js'

/** What a command may touch of the process: passed in, so that tests can run commands in-process. */
export interface Io {
  readonly stdin: Readable & { isTTY?: boolean; setRawMode?: (on: boolean) => unknown }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly paths: Paths
  /** Aborted by SIGINT and SIGTERM: a command that follows or waits ends. */
  readonly signal: AbortSignal
}

export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number }

/** The Io of this process. */
export function processIo(signal: AbortSignal): Io {
  const { stdin, stdout, stderr, env } = process
  return { stdin, stdout, stderr, env, cwd: process.cwd(), paths: resolvePaths(env), signal }
}
