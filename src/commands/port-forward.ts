import { once } from 'node:events'
import { MkError } from '../base/errors.js'
import { Command } from '../cli/command.js'
import { namespaceFlag, string } from '../cli/flags.js'
import { findPodSource, isReady, onePodOf } from '../cli/pods.js'
import { parseForward, startForwarder } from '../cli/port-forwarder.js'
import { targetPort } from '../cli/port-target.js'
import { openSession, type Session } from '../cli/session.js'
import { openWebSocket } from '../cli/web-socket.js'

export default class PortForward extends Command {
  static override summary = 'Make ports of a pod or service local'
  static override description =
    'Listens on local ports and passes connections on to a pod. Each new connection finds a pod that is alive: the\n' +
    'command goes on when pods are replaced.'
  static override usage = ['port-forward (POD | TYPE/NAME) [LOCAL:]REMOTE… [flags]']
  static override examples = [
    { description: "The service's port 80 at localhost:8080", command: 'mk port-forward svc/hello 8080:80' },
    { description: 'Any free local port, and a port by name', command: 'mk port-forward deploy/hello :http' }
  ]
  static override flags = {
    namespace: namespaceFlag,
    address: string({
      default: 'localhost',
      description: 'Local addresses to listen on, separated by commas; default localhost'
    })
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(PortForward)
    const [target, ...ports] = words
    if (target === undefined || ports.length === 0) {
      throw new MkError('MK_INPUT', 'TYPE/NAME and a list of ports are required', {
        hint: 'such as: mk port-forward svc/hello 8080:80'
      })
    }
    const forwards = ports.map(parseForward)
    const session = await openSession(this.io)
    const namespace = flags.namespace ?? 'default'
    const addresses = flags.address.split(',').map((a) => (a === 'localhost' ? '127.0.0.1' : a))
    const forwarders: { close: () => void }[] = []
    for (const forward of forwards) {
      const pick = () => pickPod(session, target, namespace, forward.remote)
      // A wrong port or a target without pods is told now, not with the first connection.
      await pick()
      const forwarder = await startForwarder({
        forward,
        addresses,
        pick,
        connect: (pod, podPort) =>
          openWebSocket(session.client, {
            path: `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/portforward`,
            query: { ports: podPort },
            protocols: ['v4.channel.k8s.io']
          }),
        onNote: (text) => this.note(text)
      })
      forwarders.push(forwarder)
      for (const address of addresses)
        this.log(`Forwarding from ${address}:${forwarder.port} -> ${forward.remote}`)
    }
    if (!this.io.signal.aborted) await once(this.io.signal, 'abort')
    for (const forwarder of forwarders) forwarder.close()
    return 0
  }
}

/** A ready pod; of a target that has none, one that runs. */
async function pickPod(session: Session, target: string, namespace: string, remote: string) {
  const source = await findPodSource(session, [target], namespace)
  const pod = await onePodOf(session, source, namespace)
  if (source.selector !== undefined && !isReady(pod) && pod.status?.phase !== 'Running') {
    throw new MkError(
      'MK_INPUT',
      `unable to forward port because pod is not running. Current status=${pod.status?.phase ?? 'Pending'}`
    )
  }
  return { pod, port: targetPort(source.object, pod, remote) }
}
