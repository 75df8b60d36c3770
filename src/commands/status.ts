import { clusterOf, summarise } from '../cli/cluster-summary.js'
import { Command } from '../cli/command.js'
import { createDaemonClient } from '../cli/daemon-client.js'
import { boolean, string } from '../cli/flags.js'
import { hostChecks } from '../cli/host-checks.js'
import { lastLines } from '../cli/last-lines.js'

export default class Status extends Command {
  static override summary = 'Show how the cluster is'
  static override description =
    'Shows how the cluster is, and what of this host could trouble it. Exits with 1 when it does not run.'
  static override usage = ['status [--logs] [-o json]']
  static override flags = {
    logs: boolean({ description: "The last lines of the daemon's log as well" }),
    output: string({ char: 'o', options: ['json'], description: 'As JSON, for programs' })
  }
  static override strict = true

  async run(): Promise<number> {
    const { flags } = await this.parse(Status)
    const { paths } = this.io
    const status = await createDaemonClient(paths.socket).status()
    const cluster = status && clusterOf(status)
    const ready = cluster?.state === 'ready'
    if (flags.output === 'json') {
      this.log(JSON.stringify(status ?? { clusters: [] }, null, 2))
      return ready ? 0 : 1
    }
    if (!status) this.log('mk is not running; `mk up` starts it')
    else if (!cluster)
      this.log(`the daemon runs (process ${status.pid}), without a cluster; \`mk up\` starts it`)
    else {
      this.log(`cluster "${cluster.name}" is ${cluster.state}`)
      this.io.stdout.write(summarise(status, cluster, { log: paths.log }))
      if (cluster.error) this.log(`error: ${cluster.error.message}\n${cluster.error.hint ?? ''}`.trimEnd())
    }
    for (const problem of await hostChecks()) this.log(`check: ${problem}`)
    if (flags.logs) this.io.stdout.write(await lastLines(paths.log, 50))
    return ready ? 0 : 1
  }
}
