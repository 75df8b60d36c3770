import { join } from 'node:path'

/** Where the kubelet keeps what belongs to one pod: `<state>/pods/<uid>/…`. */
export function podPaths(stateDir: string, uid: string) {
  const root = join(stateDir, 'pods', uid)
  return {
    root,
    hosts: join(root, 'etc-hosts'),
    resolvConf: join(root, 'resolv.conf'),
    volumes: join(root, 'volumes'),
    volume: (name: string) => join(root, 'volumes', name),
    terminationMessage: (container: string, attempt: number) =>
      join(root, 'containers', container, `${String(attempt)}.message`)
  }
}

export type PodPaths = ReturnType<typeof podPaths>
