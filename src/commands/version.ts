import { Command } from '../cli/command.js'
import { messageOf } from '../base/errors.js'
import { openSession } from '../cli/session.js'
import { version } from '../base/version.js'

export default class Version extends Command {
  static override summary = 'Show versions'
  static override usage = ['version']
  static override flags = {}
  static override strict = true

  async run(): Promise<number> {
    await this.parse(Version)
    this.log(`mk ${version} (node ${process.version})`)
    try {
      const { client } = await openSession(this.io)
      const { body } = await client.json<{ gitVersion: string }>({ path: '/version' })
      this.log(`Kubernetes API ${body.gitVersion}`)
    } catch (error) {
      this.log(`Kubernetes API: not running (${messageOf(error)})`)
    }
    return 0
  }
}
