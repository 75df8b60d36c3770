import type { Duplex } from 'node:stream'
import type { Pod } from '../../api/types.js'
import type { ExecSession, LogStream } from '../../runtime/runtime.js'

/** Query parameters of `pods/log` (core/v1 PodLogOptions), checked and typed. */
export interface PodLogOptions {
  container?: string
  follow: boolean
  previous: boolean
  timestamps: boolean
  sinceSeconds?: number
  /** RFC 3339. */
  sinceTime?: string
  tailLines?: number
  limitBytes?: number
}

/** Query parameters of `pods/attach` (core/v1 PodAttachOptions). */
export interface PodAttachOptions {
  container?: string
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/** Query parameters of `pods/exec` (core/v1 PodExecOptions). */
export interface PodExecOptions extends PodAttachOptions {
  command: readonly string[]
}

/**
 * What the kubelet gives to the API server's streaming subresources. Failures are StatusErrors and come before the
 * connection is upgraded: the client sees them as an ordinary API error.
 */
export interface PodStreams {
  logs(pod: Pod, options: PodLogOptions): Promise<LogStream>
  exec(pod: Pod, options: PodExecOptions): Promise<ExecSession>
  attach(pod: Pod, options: PodAttachOptions): Promise<ExecSession>
  /** A connection to the port inside the pod's own network namespace, its loopback included. */
  portForward(pod: Pod, port: number): Promise<Duplex>
}
