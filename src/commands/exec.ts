import { MkError } from '../base/errors.js'
import { Command } from '../cli/command.js'
import { boolean, containerFlag, namespaceFlag } from '../cli/flags.js'
import { containerOf, findPodSource, onePodOf } from '../cli/pods.js'
import { runRemoteCommand } from '../cli/remote-command.js'
import { openSession } from '../cli/session.js'
import { openWebSocket } from '../cli/web-socket.js'

export default class Exec extends Command {
  static override summary = 'Run a program in a container'
  static override description = "Runs a program in a container and exits with the program's exit code."
  static override usage = ['exec (POD | TYPE/NAME) [-c CONTAINER] [-it] -- PROGRAM [ARG…]']
  static override examples = [
    { description: 'A shell', command: 'mk exec -it deploy/hello -- sh' },
    { description: 'Standard input', command: 'mk exec -i hello -- tar x < files.tar' }
  ]
  static override flags = {
    namespace: namespaceFlag,
    container: containerFlag,
    stdin: boolean({ char: 'i', description: 'Pass standard input on' }),
    tty: boolean({ char: 't', description: 'The program gets a terminal' }),
    quiet: boolean({ char: 'q', description: 'No notes, only what the program prints' })
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words, rest: program } = await this.parse(Exec)
    if (words.length === 0) throw new MkError('MK_INPUT', 'pod or type/name must be specified')
    if (program === undefined || program.length === 0) {
      throw new MkError('MK_INPUT', 'you must specify at least one command for the container', {
        hint: `write it after --, such as: mk exec ${words[0] ?? 'POD'} -- ls`
      })
    }
    const session = await openSession(this.io)
    const namespace = flags.namespace ?? 'default'
    const pod = await onePodOf(session, await findPodSource(session, words, namespace), namespace)
    const container = containerOf(pod, flags.container)
    const tty = flags.tty && flags.stdin && this.io.stdin.isTTY === true
    if (flags.tty && !tty && !flags.quiet) {
      this.note('Unable to use a TTY - input is not a terminal or the right kind of file')
    }
    const socket = await openWebSocket(session.client, {
      path: `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/exec`,
      query: { command: program, container, stdin: flags.stdin, stdout: true, stderr: !tty, tty },
      protocols: ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
      signal: this.io.signal
    })
    return runRemoteCommand(socket, { io: this.io, stdin: flags.stdin, tty })
  }
}
