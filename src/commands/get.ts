import type { KubeObject, ObjectList } from '../base/object.js'
import { isReason } from '../base/status.js'
import { MkError } from '../base/errors.js'
import { Command } from '../cli/command.js'
import { pathOf, qualifiedSingular } from '../cli/discovery.js'
import { describeError } from '../cli/errors.js'
import {
  allNamespacesFlag,
  boolean,
  fieldSelectorFlag,
  filenameFlag,
  namespaceFlag,
  recursiveFlag,
  selectorFlag,
  string
} from '../cli/flags.js'
import type { targetsFromFiles } from '../cli/file-targets.js'
import { formatObject, type OutputFormat, parseOutputFormat, withoutManagedFields } from '../cli/output.js'
import { openSession, type Session } from '../cli/session.js'
import { type Table, tableAccept, type TableOptions, TablePrinter } from '../cli/table.js'
import { parseTargets, type Target } from '../cli/targets.js'

interface Place {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined
  readonly labelSelector: string | undefined
  readonly fieldSelector: string | undefined
}

interface GetOptions extends Place {
  readonly format: OutputFormat
  readonly table: TableOptions
  readonly showManagedFields: boolean
  readonly ignoreNotFound: boolean
}

export default class Get extends Command {
  static override summary = 'Show objects'
  static override usage = [
    'get TYPE[,TYPE…] [NAME…] [flags]',
    'get TYPE/NAME… [flags]',
    'get -f FILE [flags]'
  ]
  static override examples = [
    { description: 'The pods, and how they change', command: 'mk get pods -w' },
    { description: 'Deployments and services of all namespaces', command: 'mk get deploy,svc -A' },
    { description: 'One object in full', command: 'mk get deploy/hello -o yaml' },
    { description: 'One field', command: "mk get pod hello -o jsonpath='{.status.podIP}'" }
  ]
  static override flags = {
    namespace: namespaceFlag,
    'all-namespaces': allNamespacesFlag,
    output: string({ char: 'o', description: 'wide, yaml, json, name or jsonpath=…' }),
    watch: boolean({ char: 'w', description: 'Go on with changes as they happen' }),
    'watch-only': boolean({ description: 'Only the changes' }),
    selector: selectorFlag,
    'field-selector': fieldSelectorFlag,
    filename: filenameFlag,
    recursive: recursiveFlag,
    'show-labels': boolean({ description: 'A column with all labels' }),
    'label-columns': string({
      char: 'L',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      description: 'A column for each of these labels'
    }),
    'no-headers': boolean({ description: 'Rows only' }),
    'show-managed-fields': boolean({ description: 'With managedFields in yaml and json' }),
    'ignore-not-found': boolean({ description: 'Say nothing and exit 0 when an object is not there' })
  }
  static override strict = false

  async run(): Promise<number> {
    const { flags, words } = await this.parse(Get)
    const format = parseOutputFormat(flags.output)
    const session = await openSession(this.io)
    const targets = flags.filename
      ? await fromFiles(session, flags.filename, { io: this.io, recursive: flags.recursive })
      : await parseTargets(words, session.discovery)
    const options: GetOptions = {
      namespace: flags['all-namespaces'] ? undefined : (flags.namespace ?? 'default'),
      labelSelector: flags.selector,
      fieldSelector: flags['field-selector'],
      format,
      showManagedFields: flags['show-managed-fields'],
      ignoreNotFound: flags['ignore-not-found'],
      table: {
        wide: format.kind === 'table' && format.wide,
        showNamespace: flags['all-namespaces'],
        showLabels: flags['show-labels'],
        labelColumns: flags['label-columns'] ?? [],
        noHeaders: flags['no-headers']
      }
    }
    checkTargets(targets, options)
    if (flags.watch || flags['watch-only']) return this.#watch(session, targets, options, flags['watch-only'])
    return format.kind === 'table'
      ? this.#tables(session, targets, options)
      : this.#objects(session, targets, options)
  }

  async #tables(session: Session, targets: readonly Target[], options: GetOptions): Promise<number> {
    const groups = groupByResource(targets)
    let printed = 0
    let failed = false
    for (const group of groups) {
      const tables = await Promise.all(
        group.map((target) =>
          session.client
            .json<Table>({ ...requestFor(target, options), accept: tableAccept })
            .then((reply) => reply.body)
            .catch((error: unknown) => {
              if (!isReason(error, 'NotFound')) throw error
              if (options.ignoreNotFound) return undefined
              this.note(describeError(error))
              failed = true
              return undefined
            })
        )
      )
      const resource = group[0]?.resource
      const found = tables.filter((table) => table !== undefined)
      if (!resource || found.every((table) => table.rows.length === 0)) continue
      const namePrefix = groups.length > 1 ? `${qualifiedSingular(resource)}/` : ''
      const printer = new TablePrinter({ ...options.table, namePrefix })
      const [first] = found
      if (!first) continue
      if (printed++ > 0) this.log('')
      this.io.stdout.write(printer.print({ ...first, rows: found.flatMap((table) => table.rows) }))
    }
    if (printed === 0 && !failed && !options.ignoreNotFound) this.note(nothingFound(targets, options))
    return failed ? 1 : 0
  }

  async #objects(session: Session, targets: readonly Target[], options: GetOptions): Promise<number> {
    const items: KubeObject[] = []
    let failed = false
    for (const target of targets) {
      try {
        const { body } = await session.client.json<KubeObject | ObjectList>(requestFor(target, options))
        items.push(...itemsOf(body))
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
        if (options.ignoreNotFound) continue
        this.note(describeError(error))
        failed = true
      }
    }
    const shown = options.showManagedFields ? items : items.map(withoutManagedFields)
    if (options.format.kind === 'name') {
      for (const target of namesOf(targets, items)) this.log(target)
    } else if (targets.length === 1 && targets[0]?.name !== undefined) {
      if (shown[0]) this.io.stdout.write(await formatObject(shown[0], options.format))
    } else {
      const list = { apiVersion: 'v1', items: shown, kind: 'List', metadata: { resourceVersion: '' } }
      this.io.stdout.write(await formatObject(list, options.format))
    }
    return failed ? 1 : 0
  }

  async #watch(
    session: Session,
    targets: readonly Target[],
    options: GetOptions,
    changesOnly: boolean
  ): Promise<number> {
    const [target, ...others] = targets
    if (!target || others.length > 0) {
      throw new MkError('MK_INPUT', 'you may only specify a single resource type to watch')
    }
    const { watchTarget } = await import('../cli/watch.js')
    const { resource, name } = target
    // One object is watched as a collection of one; that it is there is checked first.
    if (name !== undefined) await session.client.json(requestFor(target, options))
    const path = pathOf(resource, { namespace: options.namespace })
    const fieldSelector = name === undefined ? options.fieldSelector : `metadata.name=${name}`
    const query = { labelSelector: options.labelSelector, fieldSelector }
    await watchTarget({ session, path, query, options, changesOnly, io: this.io })
    return 0
  }
}

/** Files are seldom what is asked for: reading them is loaded on use. */
async function fromFiles(...parameters: Parameters<typeof targetsFromFiles>): Promise<Target[]> {
  const module = await import('../cli/file-targets.js')
  return module.targetsFromFiles(...parameters)
}

function checkTargets(targets: readonly Target[], options: GetOptions): void {
  if (!targets.some((target) => target.name !== undefined)) return
  if (options.labelSelector !== undefined || options.fieldSelector !== undefined) {
    throw new MkError('MK_INPUT', 'name cannot be provided when a selector is specified')
  }
  if (options.namespace === undefined) {
    throw new MkError('MK_INPUT', 'a resource cannot be retrieved by name across all namespaces')
  }
}

function groupByResource(targets: readonly Target[]): Target[][] {
  const groups = new Map<unknown, Target[]>()
  for (const target of targets) groups.set(target.resource, [...(groups.get(target.resource) ?? []), target])
  return [...groups.values()]
}

function requestFor(target: Target, place: Place) {
  const { resource, name } = target
  const path = pathOf(resource, { namespace: target.namespace ?? place.namespace, name })
  const { labelSelector, fieldSelector } = place
  return { path, query: name === undefined ? { labelSelector, fieldSelector } : {} }
}

/** Items of a list come without kind and apiVersion: they are the list's. */
function itemsOf(body: KubeObject | ObjectList): KubeObject[] {
  if (!('items' in body)) return [body]
  const kind = body.kind.replace(/List$/, '')
  return body.items.map((item) => ({ ...item, apiVersion: body.apiVersion, kind }))
}

function namesOf(targets: readonly Target[], items: readonly KubeObject[]): string[] {
  return items.map((item) => {
    const target = targets.find((t) => t.resource.kind === item.kind)
    return `${target ? qualifiedSingular(target.resource) : (item.kind ?? '').toLowerCase()}/${item.metadata.name}`
  })
}

function nothingFound(targets: readonly Target[], options: GetOptions): string {
  const namespaced = targets.some((target) => target.resource.namespaced)
  if (!namespaced || options.namespace === undefined) return 'No resources found'
  return `No resources found in ${options.namespace} namespace.`
}
