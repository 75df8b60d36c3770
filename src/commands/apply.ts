import { applyManifest, type Applied, type ApplyOptions } from '../cli/apply.js'
import { Command } from '../cli/command.js'
import { qualifiedSingular } from '../cli/discovery.js'
import { describeError } from '../cli/errors.js'
import { boolean, filenameFlag, namespaceFlag, parseDurationMs, recursiveFlag, string } from '../cli/flags.js'
import { inApplyOrder, type Manifest, readManifests } from '../cli/manifest.js'
import { formatObject, parseOutputFormat, withoutManagedFields } from '../cli/output.js'
import { openSession, type Session } from '../cli/session.js'
import { StatusError } from '../base/status.js'

export default class Apply extends Command {
  static override summary = 'Create or change objects as files say'
  static override description =
    'Creates or changes objects as files say (server-side apply). A field that is not known, a wrong type or a malformed\n' +
    'file is an error. Fields that somebody else changed since are set back, with a note.'
  static override usage = ['apply -f FILE|FOLDER|URL|- [flags]']
  static override examples = [
    { description: 'A file, and all files of a folder', command: 'mk apply -f deploy.yaml -f manifests/' },
    { description: 'Wait until all pods of it are ready', command: 'mk apply -f deploy.yaml --wait' },
    { description: 'Standard input', command: 'cat deploy.yaml | mk apply -f -' },
    {
      description: 'See what the server would do',
      command: 'mk apply -f deploy.yaml --dry-run=server -o yaml'
    }
  ]
  static override flags = {
    filename: filenameFlag,
    recursive: recursiveFlag,
    namespace: namespaceFlag,
    output: string({ char: 'o', description: 'yaml, json or name instead of what was done' }),
    wait: boolean({ description: 'Wait until what was applied is ready; fail when it can not become so' }),
    timeout: string({ default: '5m', description: 'How long --wait waits; default 5m' }),
    'dry-run': string({
      options: ['none', 'server', 'client'],
      default: 'none',
      description: 'Change nothing'
    }),
    validate: string({
      options: ['strict', 'warn', 'ignore', 'true', 'false'],
      default: 'strict',
      description: 'What unknown fields are; default strict'
    }),
    'field-manager': string({ default: 'mk', description: 'Name of the owner of the fields; default mk' }),
    'force-conflicts': boolean({
      default: true,
      allowNo: true,
      description: 'Take over fields; default true'
    }),
    'server-side': boolean({ hidden: true, description: 'Always so; for those used to kubectl' })
  }
  static override strict = true

  async run(): Promise<number> {
    const { flags } = await this.parse(Apply)
    const timeoutMs = parseDurationMs(flags.timeout, '--timeout')
    const format = parseOutputFormat(flags.output)
    const manifests = inApplyOrder(
      await readManifests(flags.filename ?? [], { io: this.io, recursive: flags.recursive })
    )
    const session = await openSession(this.io)
    const dryRun = flags['dry-run'] as ApplyOptions['dryRun']
    const { applied, failed } = await this.#applyAll(session, manifests, {
      namespace: flags.namespace ?? 'default',
      namespaceEnforced: flags.namespace !== undefined,
      dryRun,
      fieldManager: flags['field-manager'],
      validate: validation(flags.validate),
      forceConflicts: flags['force-conflicts'],
      onNote: (text) => this.note(text),
      onApplied: (one) => {
        if (format.kind === 'table') this.log(`${nameOf(one)} ${one.outcome}${suffix(dryRun)}`)
        if (format.kind === 'name') this.log(nameOf(one))
      }
    })
    if (format.kind === 'yaml' || format.kind === 'json' || format.kind === 'jsonpath') {
      const items = applied.map((one) => withoutManagedFields(one.object))
      const output = items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items }
      this.io.stdout.write(await formatObject(output, format))
    }
    if (failed || !flags.wait || dryRun !== 'none') return failed ? 1 : 0
    const { waitUntilReady } = await import('../cli/readiness.js')
    return (await waitUntilReady({ session, applied, timeoutMs, io: this.io })) ? 0 : 1
  }

  /** Goes on after a failure, as kubectl does: each object stands for itself. */
  async #applyAll(
    session: Session,
    manifests: readonly Manifest[],
    options: ApplyOptions & { onApplied: (one: Applied) => void }
  ): Promise<{ applied: Applied[]; failed: boolean }> {
    const applied: Applied[] = []
    for (const manifest of manifests) {
      try {
        const one = await applyManifest(session, manifest, options)
        applied.push(one)
        options.onApplied(one)
      } catch (error) {
        if (!(error instanceof StatusError) && !isInputError(error)) throw error
        this.note(located(error, manifest))
      }
    }
    return { applied, failed: applied.length < manifests.length }
  }
}

const isInputError = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'MK_INPUT'

/** The server's words with the place in the user's files in front. */
function located(error: unknown, manifest: Manifest): string {
  if (!(error instanceof StatusError)) return describeError(error)
  const where = `${manifest.source}:${manifest.line}: ${manifest.kind} "${manifest.name}"`
  return `${where}\n${describeError(error)}`
}

const nameOf = (one: Applied) => `${qualifiedSingular(one.resource)}/${one.manifest.name}`
const suffix = (dryRun: ApplyOptions['dryRun']) =>
  dryRun === 'none' ? '' : dryRun === 'server' ? ' (server dry run)' : ' (dry run)'

function validation(text: string): ApplyOptions['validate'] {
  if (text === 'warn') return 'Warn'
  return text === 'ignore' || text === 'false' ? 'Ignore' : 'Strict'
}
