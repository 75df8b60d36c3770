import type { KubeObject, ObjectList } from '../base/object.js'
import { isReason } from '../base/status.js'
import { Command } from '../cli/command.js'
import { describe } from '../cli/describe/registry.js'
import { apiVersionOf, pathOf } from '../cli/discovery.js'
import { describeError } from '../cli/errors.js'
import { allNamespacesFlag, filenameFlag, namespaceFlag, recursiveFlag, selectorFlag } from '../cli/flags.js'
import { targetsFromFiles } from '../cli/file-targets.js'
import { openSession, type Session } from '../cli/session.js'
import { parseTargets, type Target } from '../cli/targets.js'

interface Choice {
  readonly namespace: string | undefined
  readonly labelSelector: string | undefined
}

export default class Describe extends Command {
  static override summary = 'Show an object with its events'
  static override usage = [
    'describe TYPE/NAME… [flags]',
    'describe TYPE [NAME | PREFIX…] [-l SELECTOR] [flags]'
  ]
  static override examples = [
    { description: 'Why does this pod not run?', command: 'mk describe pod hello' },
    { description: 'All pods of an app', command: 'mk describe pods -l app=hello' }
  ]
  static override flags = {
    namespace: namespaceFlag,
    'all-namespaces': allNamespacesFlag,
    selector: selectorFlag,
    filename: filenameFlag,
    recursive: recursiveFlag
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(Describe)
    const session = await openSession(this.io)
    const targets = flags.filename
      ? await targetsFromFiles(session, flags.filename, { io: this.io, recursive: flags.recursive })
      : await parseTargets(words, session.discovery)
    const namespace = flags['all-namespaces'] ? undefined : (flags.namespace ?? 'default')
    const choice: Choice = { namespace, labelSelector: flags.selector }
    let count = 0
    let failed = false
    for (const target of targets) {
      const { group } = target.resource
      const objects = await findObjects(session, target, choice).catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error
        this.note(describeError(error))
        failed = true
        return []
      })
      for (const object of objects) {
        const text = await describe(object, group, { session, now: new Date() })
        this.io.stdout.write(count++ > 0 ? `\n\n${text}` : text)
      }
    }
    if (count === 0 && !failed) this.note(`No resources found in ${namespace ?? 'any'} namespace.`)
    return failed ? 1 : 0
  }
}

/** By name; a name that isn't there may be the beginning of several, as with kubectl. */
async function findObjects(session: Session, target: Target, choice: Choice): Promise<KubeObject[]> {
  const { resource, name } = target
  if (name === undefined) return list(session, target, choice)
  try {
    const path = pathOf(resource, { namespace: target.namespace ?? choice.namespace ?? 'default', name })
    return [(await session.client.json<KubeObject>({ path })).body]
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error
    const matches = (await list(session, target, choice)).filter((o) => o.metadata.name.startsWith(name))
    if (matches.length === 0) throw error
    return matches
  }
}

async function list(session: Session, { resource }: Target, choice: Choice): Promise<KubeObject[]> {
  const { labelSelector, namespace } = choice
  const { body } = await session.client.json<ObjectList>({
    path: pathOf(resource, { namespace }),
    query: { labelSelector }
  })
  return body.items.map((item) => ({ ...item, apiVersion: apiVersionOf(resource), kind: resource.kind }))
}
