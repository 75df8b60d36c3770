import type { ClusterStatus, DaemonStatus } from '../base/control.js'
import { formatColumns } from './table.js'

/** The one cluster that the CLI works with. */
export const clusterName = 'mk'

export const clusterOf = (status: DaemonStatus): ClusterStatus | undefined =>
  status.clusters.find((cluster) => cluster.name === clusterName)

/** What `mk up` and `mk status` show of a cluster. */
export function summarise(
  status: DaemonStatus,
  cluster: ClusterStatus,
  details: { log?: string } = {}
): string {
  const { ingress } = cluster
  const rows = [
    ['API', cluster.apiServer],
    ['Ingress', ingress && `http ${ingress.http}, https ${ingress.https} on this host`],
    ['Nodes', String(cluster.nodes)],
    ['Engine', status.engine],
    ['Kubeconfig', cluster.kubeconfigPath],
    ['Daemon', details.log && `process ${status.pid}, version ${status.version}, since ${status.startedAt}`],
    ['Log', details.log]
  ].filter((row): row is [string, string] => Boolean(row[1]))
  return (
    formatColumns(rows.map(([label, text]) => [`  ${label}`, text])) +
    cluster.notices.map((n) => `note: ${n}\n`).join('')
  )
}
