import type { Deployment } from '../api/types.js'
import { MkError } from '../base/errors.js'
import { Command } from '../cli/command.js'
import { type ApiResource, pathOf, qualifiedSingular } from '../cli/discovery.js'
import { boolean, integer, namespaceFlag, parseDurationMs, string } from '../cli/flags.js'
import { followObject } from '../cli/follow.js'
import { historyText, revisionText, undo } from '../cli/rollout-history.js'
import { deploymentRollout } from '../cli/rollout-status.js'
import { openSession, type Session } from '../cli/session.js'
import { parseTargets } from '../cli/targets.js'

interface Subject {
  readonly session: Session
  readonly resource: ApiResource
  readonly namespace: string
  readonly name: string
  /** `deployment.apps/hello` */
  readonly title: string
  readonly path: string
}

const actions = ['status', 'undo', 'history', 'restart', 'pause', 'resume'] as const
type Action = (typeof actions)[number]

export default class Rollout extends Command {
  static override summary = 'Follow, undo, restart or pause a rollout'
  static override usage = actions.map((action) => `rollout ${action} deployment/NAME [flags]`)
  static override examples = [
    { description: 'Wait until a rollout is through', command: 'mk rollout status deploy/hello' },
    { description: 'Back to the revision before', command: 'mk rollout undo deploy/hello' },
    { description: 'What a revision was', command: 'mk rollout history deploy/hello --revision 2' }
  ]
  static override flags = {
    namespace: namespaceFlag,
    watch: boolean({
      char: 'w',
      default: true,
      allowNo: true,
      description: 'status: until it is through; default true'
    }),
    timeout: string({ default: '0', description: 'status: how long to wait; default: as long as it takes' }),
    'to-revision': integer({
      min: 0,
      default: 0,
      description: 'undo: to this revision; default 0, the one before'
    }),
    revision: integer({ min: 0, default: 0, description: 'history: show this revision in full' })
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(Rollout)
    const [action, ...rest] = words
    if (!isAction(action)) {
      throw new MkError('MK_INPUT', `say what to do with the rollout: ${actions.join(', ')}`)
    }
    const session = await openSession(this.io)
    const namespace = flags.namespace ?? 'default'
    for (const { resource, name } of await parseTargets(rest, session.discovery)) {
      if (name === undefined) throw new MkError('MK_INPUT', 'name the deployment, such as deploy/hello')
      if (resource.kind !== 'Deployment') {
        throw new MkError(
          'MK_INPUT',
          `mk rollout works on deployments: ${resource.plural} have no rollout here`
        )
      }
      const title = `${qualifiedSingular(resource)}/${name}`
      const path = pathOf(resource, { namespace, name })
      const subject: Subject = { session, resource, namespace, name, title, path }
      const code = await this.#perform(action, subject, {
        watch: flags.watch,
        timeoutMs: parseDurationMs(flags.timeout, '--timeout'),
        toRevision: flags['to-revision'],
        revision: flags.revision
      })
      if (code !== 0) return code
    }
    return 0
  }

  async #perform(
    action: Action,
    subject: Subject,
    options: { watch: boolean; timeoutMs: number; toRevision: number; revision: number }
  ): Promise<number> {
    const { title, session, path } = subject
    if (action === 'status') return this.#status(subject, options)
    const { body: deployment } = await session.client.json<Deployment>({ path })
    switch (action) {
      case 'undo':
        this.log(`${title} ${await undo(session, deployment, options.toRevision)}`)
        return 0
      case 'history': {
        const text = options.revision > 0 ? revisionText : historyText
        this.log(`${title} ${await text(session, deployment, options.revision)}`)
        return 0
      }
      case 'restart':
        refusePaused(deployment, `can't restart paused deployment (run rollout resume first)`)
        await patch(subject, { template: { metadata: { annotations: restartedNow() } } })
        this.log(`${title} restarted`)
        return 0
      case 'pause':
        refusePaused(deployment, `deployments.apps "${subject.name}" is already paused`)
        await patch(subject, { paused: true })
        this.log(`${title} paused`)
        return 0
      case 'resume':
        if (!deployment.spec?.paused) {
          throw new MkError('MK_INPUT', `deployments.apps "${subject.name}" is not paused`)
        }
        await patch(subject, { paused: null })
        this.log(`${title} resumed`)
        return 0
    }
  }

  async #status(subject: Subject, options: { watch: boolean; timeoutMs: number }): Promise<number> {
    const timeout = options.timeoutMs > 0 ? AbortSignal.timeout(options.timeoutMs) : undefined
    const signal = timeout ? AbortSignal.any([this.io.signal, timeout]) : this.io.signal
    let shown = ''
    for await (const found of followObject<Deployment>(subject.session, { ...subject, signal })) {
      if (!found) throw new MkError('MK_INPUT', 'object has been deleted')
      const { state, message } = deploymentRollout(found)
      if (state === 'failed') throw new MkError('MK_TIMEOUT', message)
      if (message !== shown) this.log(message)
      shown = message
      if (state === 'done' || !options.watch) return 0
    }
    throw new MkError('MK_TIMEOUT', 'timed out waiting for the condition')
  }
}

const isAction = (word: string | undefined): word is Action => actions.some((action) => action === word)

function refusePaused(deployment: Deployment, message: string): void {
  if (deployment.spec?.paused) throw new MkError('MK_INPUT', message)
}

const restartedNow = () => ({
  'kubectl.kubernetes.io/restartedAt': new Date().toISOString().replace(/\.\d+Z$/, 'Z')
})

async function patch(subject: Subject, spec: Record<string, unknown>): Promise<void> {
  await subject.session.client.json({
    method: 'PATCH',
    path: subject.path,
    query: { fieldManager: 'mk' },
    body: { spec },
    contentType: 'application/strategic-merge-patch+json'
  })
}
