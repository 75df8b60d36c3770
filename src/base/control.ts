/**
 * What the CLI and the daemon say to each other over the control socket (HTTP with JSON bodies on a unix socket):
 * `GET /status` → {@link DaemonStatus}; `GET /events` → {@link ProgressEvent} lines until the client leaves;
 * `POST /clusters/{name}/up` with {@link UpOptions}, `…/down`, `…/delete`, `POST /stop` → {@link DaemonStatus}, or
 * {@link ControlFailure} with a status of 400 or more.
 */

export type ClusterState = 'starting' | 'ready' | 'failed' | 'stopping' | 'stopped'

export interface ControlError {
  code: string
  message: string
  hint?: string | undefined
}

export interface ControlFailure {
  error: ControlError
}

export interface ClusterStatus {
  name: string
  state: ClusterState
  /** `https://127.0.0.1:6443` */
  apiServer?: string | undefined
  kubeconfigPath?: string | undefined
  /** Ports of this host on which Ingress answers. */
  ingress?: { http: number; https: number } | undefined
  nodes: number
  /** What the user should know: a port that was busy and what was taken instead, state that was set aside. */
  notices: string[]
  error?: ControlError | undefined
}

export interface DaemonStatus {
  pid: number
  version: string
  startedAt: string
  /** `Docker Engine 28.2.2 (linux/amd64)`, once an engine was reached. */
  engine?: string | undefined
  clusters: ClusterStatus[]
}

/** Choices for a cluster; each is kept with the cluster until it is given again. */
export interface UpOptions {
  /** Virtual nodes; default 1. */
  nodes?: number | undefined
  /** Ports of this host; default: 6443, 80 and 443 where allowed and free, else what the notices say. */
  apiPort?: number | undefined
  httpPort?: number | undefined
  httpsPort?: number | undefined
  /** Address for ingress, LoadBalancer and NodePort listeners; default loopback only. */
  listen?: string | undefined
}

export interface ProgressEvent {
  cluster: string
  /** `Reaching the Docker Engine` */
  step: string
  state: 'started' | 'done' | 'failed'
}
