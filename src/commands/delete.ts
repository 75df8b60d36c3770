import { MkError } from '../base/errors.js'
import type { KubeObject, ObjectList } from '../base/object.js'
import { isReason, type Status } from '../base/status.js'
import { resourceOfManifest } from '../cli/apply.js'
import { Command } from '../cli/command.js'
import { type ApiResource, pathOf, qualifiedSingular } from '../cli/discovery.js'
import { describeError } from '../cli/errors.js'
import {
  allNamespacesFlag,
  boolean,
  fieldSelectorFlag,
  filenameFlag,
  integer,
  namespaceFlag,
  parseDurationMs,
  recursiveFlag,
  selectorFlag,
  string,
  yesFlag
} from '../cli/flags.js'
import { inApplyOrder, readManifests } from '../cli/manifest.js'
import { openSession, type Session } from '../cli/session.js'
import { parseTargets } from '../cli/targets.js'
import { waitUntilGone } from '../cli/gone.js'

interface Victim {
  readonly resource: ApiResource
  readonly namespace: string | undefined
  readonly name: string
}

interface Deleted extends Victim {
  readonly uid: string | undefined
}

export default class Delete extends Command {
  static override summary = 'Delete objects, or the cluster'
  static override usage = [
    'delete TYPE NAME… [flags]',
    'delete TYPE/NAME… [flags]',
    'delete -f FILE|FOLDER|URL|- [flags]',
    'delete TYPE (-l SELECTOR | --all) [flags]',
    'delete cluster [--yes]'
  ]
  static override examples = [
    { description: 'What was applied', command: 'mk delete -f deploy.yaml' },
    { description: 'A pod, at once', command: 'mk delete pod hello --force' },
    { description: 'The whole cluster with its state', command: 'mk delete cluster' }
  ]
  static override flags = {
    namespace: namespaceFlag,
    'all-namespaces': allNamespacesFlag,
    filename: filenameFlag,
    recursive: recursiveFlag,
    selector: selectorFlag,
    'field-selector': fieldSelectorFlag,
    all: boolean({ description: 'All objects of the type in the namespace' }),
    wait: boolean({ default: true, allowNo: true, description: 'Wait until they are gone; default true' }),
    timeout: string({ default: '0', description: 'How long to wait; default: as long as it takes' }),
    'grace-period': integer({
      min: -1,
      default: -1,
      description: 'Seconds that pods get to end; default: their own'
    }),
    force: boolean({ description: 'Without grace: pods are killed' }),
    now: boolean({ description: 'Grace of one second' }),
    cascade: string({
      options: ['background', 'foreground', 'orphan'],
      default: 'background',
      description: 'What becomes of dependents'
    }),
    'ignore-not-found': boolean({ description: 'Not an error when there is no such object' }),
    'dry-run': string({
      options: ['none', 'server', 'client'],
      default: 'none',
      description: 'Change nothing'
    }),
    output: string({ char: 'o', options: ['name'], description: 'name: print names only' }),
    yes: yesFlag
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(Delete)
    if (words[0] === 'cluster' && !flags.filename) {
      const { deleteCluster } = await import('../cli/delete-cluster.js')
      return deleteCluster({ io: this.io, words: words.slice(1), confirmed: flags.yes })
    }
    const timeoutMs = parseDurationMs(flags.timeout, '--timeout')
    const session = await openSession(this.io)
    const namespace = flags['all-namespaces'] ? undefined : (flags.namespace ?? 'default')
    const victims = flags.filename
      ? await this.#fromFiles(session, flags.filename, { recursive: flags.recursive, namespace })
      : await findVictims(session, words, {
          namespace,
          labelSelector: flags.selector,
          fieldSelector: flags['field-selector'],
          all: flags.all
        })
    const body = deleteOptions(flags)
    const dryRun = flags['dry-run']
    let failed = false
    const deleted: Deleted[] = []
    for (const victim of victims) {
      try {
        const uid = dryRun === 'client' ? undefined : await deleteOne(session, victim, body)
        deleted.push({ ...victim, uid })
        this.log(this.#line(victim, flags))
      } catch (error) {
        if (isReason(error, 'NotFound') && flags['ignore-not-found']) continue
        this.note(describeError(error))
        failed = true
      }
    }
    if (victims.length === 0) this.note('No resources found')
    if (flags.wait && dryRun === 'none') {
      await Promise.all(
        deleted.map((one) => waitUntilGone(session, one, { timeoutMs, signal: this.io.signal }))
      )
    }
    return failed ? 1 : 0
  }

  async #fromFiles(
    session: Session,
    filenames: readonly string[],
    options: { recursive: boolean; namespace: string | undefined }
  ): Promise<Victim[]> {
    const manifests = inApplyOrder(
      await readManifests(filenames, { io: this.io, recursive: options.recursive })
    )
    // The reverse of the order of apply: what others need goes last.
    const victims = await Promise.all(
      manifests.reverse().map(async (manifest) => {
        const resource = await resourceOfManifest(session, manifest)
        return {
          resource,
          namespace: manifest.namespace ?? options.namespace ?? 'default',
          name: manifest.name
        }
      })
    )
    return victims.map((v) => (v.resource.namespaced ? v : { ...v, namespace: undefined }))
  }

  #line(victim: Victim, flags: { output?: string | undefined; force: boolean; 'dry-run': string }): string {
    const type = qualifiedSingular(victim.resource)
    if (flags.output === 'name') return `${type}/${victim.name}`
    const how = flags.force ? 'force deleted' : 'deleted'
    const where = victim.namespace === undefined ? '' : ` from ${victim.namespace} namespace`
    const dry = { none: '', server: ' (server dry run)', client: ' (dry run)' }[flags['dry-run']] ?? ''
    return `${type} "${victim.name}" ${how}${where}${dry}`
  }
}

interface Choice {
  readonly namespace: string | undefined
  readonly labelSelector: string | undefined
  readonly fieldSelector: string | undefined
  readonly all: boolean
}

/** By name, or by what a list with the selector gives. */
async function findVictims(session: Session, words: readonly string[], choice: Choice): Promise<Victim[]> {
  const targets = await parseTargets(words, session.discovery)
  const { namespace, labelSelector, fieldSelector } = choice
  const selecting = choice.all || labelSelector !== undefined || fieldSelector !== undefined
  const found = await Promise.all(
    targets.map(async ({ resource, name }): Promise<Victim[]> => {
      if (name !== undefined) {
        if (selecting) throw new MkError('MK_INPUT', 'name cannot be provided when a selector is specified')
        if (namespace === undefined) {
          throw new MkError('MK_INPUT', 'a resource cannot be retrieved by name across all namespaces')
        }
        return [{ resource, namespace: resource.namespaced ? namespace : undefined, name }]
      }
      if (!selecting) {
        throw new MkError('MK_INPUT', `resource(s) were provided, but no name was specified`, {
          hint: `name one, or choose by -l or --all`
        })
      }
      const { body } = await session.client.json<ObjectList>({
        path: pathOf(resource, { namespace }),
        query: { labelSelector, fieldSelector }
      })
      return body.items.map(({ metadata }) => ({
        resource,
        namespace: metadata.namespace,
        name: metadata.name
      }))
    })
  )
  return found.flat()
}

function deleteOptions(flags: {
  'grace-period': number
  force: boolean
  now: boolean
  cascade: string
  'dry-run': string
}): Record<string, unknown> {
  const grace =
    flags['grace-period'] >= 0 ? flags['grace-period'] : flags.force ? 0 : flags.now ? 1 : undefined
  if (grace === 0 && !flags.force) {
    // As kubectl: without --force, zero would leave a container behind that still runs.
    return deleteOptions({ ...flags, 'grace-period': 1 })
  }
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    propagationPolicy: `${flags.cascade.charAt(0).toUpperCase()}${flags.cascade.slice(1)}`,
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(flags['dry-run'] === 'server' ? { dryRun: ['All'] } : {})
  }
}

/** Deletes and returns the uid of what is going. */
async function deleteOne(session: Session, victim: Victim, body: unknown): Promise<string | undefined> {
  const path = pathOf(victim.resource, victim)
  const reply = await session.client.json<KubeObject | Status>({ method: 'DELETE', path, body })
  return 'details' in reply.body ? reply.body.details?.uid : (reply.body as KubeObject).metadata.uid
}
