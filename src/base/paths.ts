import { isAbsolute, join } from 'node:path'

/** Where mk keeps its files: absolute paths. Directories are 0700, files 0600. */
export interface Paths {
  /** Logs and what else is worth keeping but not data: `$XDG_STATE_HOME/mk`. */
  readonly state: string
  /** The clusters' stores: `$XDG_DATA_HOME/mk`. */
  readonly data: string
  /** The kubeconfig: `$XDG_CONFIG_HOME/mk`. */
  readonly config: string
  /** Sockets and locks of the running daemon: `$XDG_RUNTIME_DIR/mk`, else a folder of the state directory. */
  readonly runtime: string
  /** What can be fetched again: `$XDG_CACHE_HOME/mk`. */
  readonly cache: string
  /** Kubeconfig of the cluster, written by the daemon. */
  readonly kubeconfig: string
  /** The daemon's control socket. */
  readonly socket: string
  /** The daemon's log. */
  readonly log: string
}

/**
 * The paths of the XDG Base Directory Specification for mk. A variable that is empty or not absolute is ignored, as the
 * specification says. Pure: reads nothing but `env`; HOME stands in for what is not set ('/' when that is missing too).
 */
export function resolvePaths(env: Readonly<Record<string, string | undefined>>): Paths {
  const home = absolute(env['HOME']) ?? '/'
  const under = (variable: string, fallback: string) =>
    join(absolute(env[variable]) ?? join(home, fallback), 'mk')
  const state = under('XDG_STATE_HOME', '.local/state')
  const config = under('XDG_CONFIG_HOME', '.config')
  const runtimeBase = absolute(env['XDG_RUNTIME_DIR'])
  const runtime = runtimeBase === undefined ? join(state, 'run') : join(runtimeBase, 'mk')
  return {
    state,
    data: under('XDG_DATA_HOME', '.local/share'),
    config,
    runtime,
    cache: under('XDG_CACHE_HOME', '.cache'),
    kubeconfig: join(config, 'kubeconfig'),
    socket: join(runtime, 'daemon.sock'),
    log: join(state, 'daemon.log')
  }
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
