import { clusterName, clusterOf } from '../cli/cluster-summary.js'
import { Command } from '../cli/command.js'
import { createDaemonClient } from '../cli/daemon-client.js'
import { stopDaemon } from '../cli/stop-daemon.js'

export default class Down extends Command {
  static override summary = 'Stop the cluster; its state stays'
  static override description =
    'Stops all pods and the daemon. Objects, volumes (but for those in memory) and addresses are there again after `mk up`.'
  static override usage = ['down']
  static override flags = {}
  static override strict = true

  async run(): Promise<number> {
    await this.parse(Down)
    const daemon = createDaemonClient(this.io.paths.socket)
    const status = await daemon.status()
    if (!status) {
      this.log('mk is not running; `mk up` starts it')
      return 0
    }
    const cluster = clusterOf(status)
    if (cluster && cluster.state !== 'stopped') await daemon.post(`/clusters/${clusterName}/down`)
    await stopDaemon(daemon, status.pid)
    this.log('mk is down; its state is kept for the next `mk up`')
    return 0
  }
}
