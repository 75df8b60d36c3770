import { MkError } from '../base/errors.js'
import type { KubeObject } from '../base/object.js'
import { Command } from '../cli/command.js'
import { pathOf, qualifiedSingular } from '../cli/discovery.js'
import { filenameFlag, integer, namespaceFlag, recursiveFlag } from '../cli/flags.js'
import { targetsFromFiles } from '../cli/file-targets.js'
import { openSession, type Session } from '../cli/session.js'
import { parseTargets } from '../cli/targets.js'

type Scale = KubeObject & { spec?: { replicas?: number } }

export default class ScaleCommand extends Command {
  static override summary = 'Set the number of replicas'
  static override usage = ['scale TYPE/NAME… --replicas N [flags]']
  static override examples = [
    { description: 'Five replicas', command: 'mk scale deploy/hello --replicas 5' },
    {
      description: 'Only if there are three now',
      command: 'mk scale deploy/hello --replicas 5 --current-replicas 3'
    }
  ]
  static override flags = {
    namespace: namespaceFlag,
    replicas: integer({ min: 0, required: true, description: 'How many there are to be' }),
    'current-replicas': integer({ min: 0, description: 'Do nothing unless there are so many now' }),
    filename: filenameFlag,
    recursive: recursiveFlag
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(ScaleCommand)
    const session = await openSession(this.io)
    const targets = flags.filename
      ? await targetsFromFiles(session, flags.filename, { io: this.io, recursive: flags.recursive })
      : await parseTargets(words, session.discovery)
    for (const { resource, name, namespace = flags.namespace ?? 'default' } of targets) {
      if (name === undefined) throw new MkError('MK_INPUT', 'name what to scale, such as deploy/hello')
      if (!resource.subresources.includes('scale')) {
        throw new MkError('MK_INPUT', `${resource.plural} can't be scaled: they have no replicas`)
      }
      const path = pathOf(resource, { namespace, name, subresource: 'scale' })
      await scale(session, path, flags.replicas, flags['current-replicas'])
      this.log(`${qualifiedSingular(resource)}/${name} scaled`)
    }
    return 0
  }
}

async function scale(
  session: Session,
  path: string,
  replicas: number,
  current: number | undefined
): Promise<void> {
  const body: Record<string, unknown> = { spec: { replicas } }
  if (current !== undefined) {
    const { body: now } = await session.client.json<Scale>({ path })
    const found = now.spec?.replicas ?? 0
    if (found !== current) {
      throw new MkError('MK_INPUT', `Expected replicas to be ${current}, was ${found}`)
    }
    // Somebody else's change in between is a conflict.
    body['metadata'] = { resourceVersion: now.metadata.resourceVersion }
  }
  await session.client.json({
    method: 'PATCH',
    path,
    query: { fieldManager: 'mk' },
    body,
    contentType: 'application/merge-patch+json'
  })
}
