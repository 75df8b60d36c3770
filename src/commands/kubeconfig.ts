import { readFile } from 'node:fs/promises'
import { MkError } from '../base/errors.js'
import { Command } from '../cli/command.js'
import { boolean } from '../cli/flags.js'
import { mergeKubeconfigFile, targetKubeconfig } from '../cli/kubeconfig.js'

export default class Kubeconfig extends Command {
  static override summary = 'Print or merge the kubeconfig for kubectl and other clients'
  static override description =
    'Prints the kubeconfig of the cluster. mk never touches another kubeconfig unless asked by --merge, and even then\n' +
    'leaves its current context as it is unless asked by --use.'
  static override usage = ['kubeconfig [--merge [--use] | --path]']
  static override examples = [
    { description: 'Use kubectl in this shell', command: 'export KUBECONFIG=$(mk kubeconfig --path)' },
    { description: 'Make the context "mk" known to kubectl', command: 'mk kubeconfig --merge' }
  ]
  static override flags = {
    merge: boolean({
      description: 'Merge into the first file of $KUBECONFIG, or ~/.kube/config, as context mk'
    }),
    use: boolean({ description: 'With --merge: make mk the current context' }),
    path: boolean({ description: 'Print where the file is' })
  }
  static override strict = true

  async run(): Promise<number> {
    const { flags } = await this.parse(Kubeconfig)
    const own = this.io.paths.kubeconfig
    const text = await readFile(own, 'utf8').catch((cause: unknown) => {
      throw new MkError('MK_DAEMON_NOT_RUNNING', 'there is no cluster yet', {
        hint: 'start one with `mk up`',
        cause
      })
    })
    if (flags.use && !flags.merge) throw new MkError('MK_INPUT', '--use goes with --merge')
    if (flags.path) this.log(own)
    else if (flags.merge) await this.#merge(text, flags.use)
    else this.io.stdout.write(text)
    return 0
  }

  async #merge(text: string, use: boolean): Promise<void> {
    const target = targetKubeconfig(this.io.env)
    const current = await mergeKubeconfigFile({ own: text, target, use })
    this.log(`merged context "mk" into ${target}`)
    this.log(
      current === 'mk'
        ? 'the current context is "mk"'
        : `the current context stays ${current ? `"${current}"` : 'unset'}: use it by kubectl --context mk`
    )
  }
}
