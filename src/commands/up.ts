import type { DaemonStatus, UpOptions } from '../base/control.js'
import { MkError } from '../base/errors.js'
import { clusterName, clusterOf, summarise } from '../cli/cluster-summary.js'
import { Command } from '../cli/command.js'
import { createDaemonClient, type DaemonClient } from '../cli/daemon-client.js'
import { startDaemon } from '../cli/daemon-process.js'
import { integer, portFlag, string } from '../cli/flags.js'
import { Progress } from '../cli/progress.js'

export default class Up extends Command {
  static override summary = 'Start the cluster'
  static override description =
    'Starts the cluster, or says that it runs already. Choices are kept with the cluster: the next `mk up` needs none.'
  static override usage = ['up [flags]']
  static override examples = [
    { description: 'One node, ports 80 and 443 where they are free', command: 'mk up' },
    { description: 'Three virtual nodes, ingress on port 8080', command: 'mk up --nodes 3 --http-port 8080' }
  ]
  static override flags = {
    nodes: integer({ min: 1, max: 5000, description: 'Number of virtual nodes; default 1' }),
    'api-port': portFlag('Port of the API on this host; default 6443'),
    'http-port': portFlag('Port of this host for HTTP ingress; default 80'),
    'https-port': portFlag('Port of this host for HTTPS ingress; default 443'),
    listen: string({
      helpValue: 'ADDRESS',
      description: 'Address for ingress and services, such as 0.0.0.0; default: this host only'
    })
  }
  static override strict = true

  async run(): Promise<number> {
    const { flags } = await this.parse(Up)
    const options: UpOptions = {
      nodes: flags.nodes,
      apiPort: flags['api-port'],
      httpPort: flags['http-port'],
      httpsPort: flags['https-port'],
      listen: flags.listen
    }
    const running = createDaemonClient(this.io.paths.socket)
    const status = await running.status()
    const cluster = status && clusterOf(status)
    if (status && cluster?.state === 'ready') {
      if (Object.values(options).some((value) => value !== undefined)) {
        throw new MkError(
          'MK_DAEMON_RUNNING',
          'the cluster runs already, with the choices it was started with',
          {
            hint: 'to change them: `mk down`, then `mk up` with the new ones'
          }
        )
      }
      this.log('mk is already up')
      this.io.stdout.write(summarise(status, cluster))
      return 0
    }
    this.#report(await this.#start(status ? running : undefined, options))
    return 0
  }

  /** Starts the cluster, and the daemon if there is none; a daemon that was started in vain is stopped again. */
  async #start(running: DaemonClient | undefined, options: UpOptions): Promise<DaemonStatus> {
    const daemon = running ?? (await startDaemon(this.io))
    const done = new AbortController()
    const progress = new Progress(this.io.stderr)
    const shown = this.#showProgress(daemon, progress, done.signal)
    try {
      return await daemon.post(`/clusters/${clusterName}/up`, options)
    } catch (error) {
      if (!running) await daemon.post('/stop').catch(() => undefined)
      throw error
    } finally {
      done.abort()
      await shown
      progress.clear()
    }
  }

  async #showProgress(daemon: DaemonClient, progress: Progress, signal: AbortSignal): Promise<void> {
    for await (const event of daemon.events(signal)) progress.show(event)
  }

  #report(status: DaemonStatus): void {
    const cluster = clusterOf(status)
    this.log('mk is up')
    if (cluster) this.io.stdout.write(summarise(status, cluster))
    this.log('\nNext: mk apply -f FILE, mk get pods; for kubectl: export KUBECONFIG=$(mk kubeconfig --path)')
  }
}
