import { Command } from '../cli/command.js'
import { apiVersionOf } from '../cli/discovery.js'
import { openSession } from '../cli/session.js'
import { formatColumns } from '../cli/table.js'

export default class ApiResources extends Command {
  static override summary = 'List the types of objects that the server has'
  static override usage = ['api-resources']
  static override flags = {}
  static override strict = true

  async run(): Promise<number> {
    await this.parse(ApiResources)
    const { discovery } = await openSession(this.io)
    const resources = await discovery.refresh()
    const rows = resources.map((r) => [
      r.plural,
      r.shortNames.join(','),
      apiVersionOf(r),
      String(r.namespaced),
      r.kind
    ])
    this.io.stdout.write(formatColumns([['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'], ...rows]))
    return 0
  }
}
