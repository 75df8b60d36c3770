import type { Pod } from '../api/types.js'
import { MkError } from '../base/errors.js'
import type { ObjectList } from '../base/object.js'
import { Command } from '../cli/command.js'
import {
  boolean,
  containerFlag,
  integer,
  namespaceFlag,
  parseDurationMs,
  selectorFlag,
  string
} from '../cli/flags.js'
import { followPods, type LogQuery, type LogSink, streamLog } from '../cli/log-follower.js'
import { containerOf, findPodSource, podsOf } from '../cli/pods.js'
import { openSession, type Session } from '../cli/session.js'

export default class Logs extends Command {
  static override summary = 'Print the logs of containers'
  static override description =
    'Prints the log of a pod, or of all pods of a deployment, service or selector. With -f, pods that come later are\n' +
    'followed as well.'
  static override usage = ['logs (POD | TYPE/NAME) [CONTAINER] [flags]', 'logs -l SELECTOR [flags]']
  static override examples = [
    { description: 'Follow all pods of a deployment', command: 'mk logs -f deploy/hello' },
    { description: 'What the container said before it crashed', command: 'mk logs hello -p' }
  ]
  static override flags = {
    namespace: namespaceFlag,
    follow: boolean({ char: 'f', description: 'Go on as it is written' }),
    container: containerFlag,
    'all-containers': boolean({ description: 'All containers of each pod' }),
    previous: boolean({ char: 'p', description: 'Of the container before the last restart' }),
    selector: selectorFlag,
    tail: integer({ default: -1, min: -1, description: 'Only so many last lines; default all, 10 with -l' }),
    since: string({ description: 'Only what is newer, such as 5m' }),
    'since-time': string({ description: 'Only what is newer than this time (RFC 3339)' }),
    timestamps: boolean({ description: 'Each line with its time' }),
    prefix: boolean({
      allowNo: true,
      description: 'Each line with its pod and container; default: when there are several'
    })
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(Logs)
    const [word, container = flags.container] = words
    if ((word === undefined) === (flags.selector === undefined)) {
      throw new MkError('MK_INPUT', 'name a pod (or TYPE/NAME), or choose by -l')
    }
    const session = await openSession(this.io)
    const namespace = flags.namespace ?? 'default'
    const source = word === undefined ? undefined : await findPodSource(session, [word], namespace)
    const labelSelector = flags.selector ?? source?.selector
    const tailLines = flags.tail >= 0 ? flags.tail : flags.selector !== undefined ? 10 : undefined
    const query: LogQuery = {
      follow: flags.follow,
      previous: flags.previous,
      timestamps: flags.timestamps,
      tailLines,
      sinceSeconds:
        flags.since === undefined ? undefined : Math.ceil(parseDurationMs(flags.since, '--since') / 1000),
      sinceTime: flags['since-time']
    }
    const containers = (pod: Pod) =>
      flags['all-containers'] ? allContainers(pod) : [containerOf(pod, container)]
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`
    if (flags.follow && labelSelector !== undefined) {
      const { signal } = this.io
      await followPods(
        session,
        { path, labelSelector, containers, query, signal },
        this.#sink(flags.prefix ?? true)
      )
      return 0
    }
    const pods = source ? await podsOf(session, source, namespace) : await list(session, path, labelSelector)
    if (pods.length === 0) this.note('No resources found')
    const sources = pods.flatMap((pod) => containers(pod).map((name) => ({ pod, container: name })))
    await this.#print(session, sources, query, flags.prefix ?? sources.length > 1)
    return 0
  }

  /** One after the other; when following, at the same time. */
  async #print(
    session: Session,
    sources: readonly { pod: Pod; container: string }[],
    query: LogQuery,
    prefix: boolean
  ): Promise<void> {
    const sink = this.#sink(prefix)
    const { signal } = this.io
    if (query.follow) {
      await Promise.all(sources.map((source) => streamLog(session, { ...source, query, signal }, sink)))
      return
    }
    for (const source of sources) await streamLog(session, { ...source, query, signal }, sink)
  }

  #sink(prefix: boolean): LogSink {
    return {
      line: (pod, container, text) => {
        this.io.stdout.write(prefix ? `[pod/${pod.metadata.name}/${container}] ${text}` : text)
      },
      note: (text) => {
        this.note(text)
      }
    }
  }
}

const allContainers = (pod: Pod): string[] =>
  [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map((container) => container.name)

async function list(session: Session, path: string, labelSelector: string | undefined): Promise<Pod[]> {
  const { body } = await session.client.json<ObjectList<Pod>>({ path, query: { labelSelector } })
  return body.items
}
