import type { ArgInput, FlagInput, Input, OutputArgs, OutputFlags } from '@oclif/core/parser'
import { parse } from '@oclif/core/parser'
import { MkError } from '../base/errors.js'
import type { Io } from './io.js'

/** An example of the help: what it does, and the command line. */
export interface Example {
  description: string
  command: string
}

type FlagValues = OutputFlags<FlagInput>
type ArgValues = OutputArgs<ArgInput>

/** What a command's parse gives: the words, split at the first `--`. */
export interface Parsed<F, A> {
  flags: F
  args: A
  /** Words before `--` that are no flags. */
  words: string[]
  /** Words after `--`; undefined without one. */
  rest: string[] | undefined
}

/**
 * A command in oclif's form: static metadata, flags and args, one `run`. oclif's own base class loads a plugin system
 * that costs as much time as the whole of `mk get`; so this one uses its parser and flag types only.
 */
export abstract class Command {
  static summary: string
  /** Longer text of the help. Default: the summary. */
  static description: string | undefined
  /** Without the leading `mk`. */
  static usage: string[]
  static examples: Example[]
  static flags: FlagInput
  static args: ArgInput
  /** May there be more words than declared args? Default false. */
  static strict: boolean

  protected readonly argv: readonly string[]
  protected readonly io: Io

  constructor(argv: readonly string[], io: Io) {
    this.argv = argv
    this.io = io
  }

  /** Resolves to the exit code; nothing means 0. */
  abstract run(): Promise<number | undefined>

  protected async parse<F extends FlagValues, A extends ArgValues>(
    definition: Pick<Input<F, FlagValues, A>, 'flags' | 'args' | 'strict'>
  ): Promise<Parsed<F, A>> {
    const cut = this.argv.indexOf('--')
    const own = cut < 0 ? [...this.argv] : this.argv.slice(0, cut)
    const { flags, args, argv } = await parse<F, FlagValues, A>(
      normaliseBooleans(own, definition.flags ?? {}),
      definition
    )
    return { flags, args, words: argv as string[], rest: cut < 0 ? undefined : this.argv.slice(cut + 1) }
  }

  /** Writes a line to stdout. */
  protected log(text: string): void {
    this.io.stdout.write(`${text}\n`)
  }

  /** Writes a line to stderr. */
  protected note(text: string): void {
    this.io.stderr.write(`${text}\n`)
  }
}

export interface CommandClass {
  new (argv: readonly string[], io: Io): Command
  summary: string
  description?: string | undefined
  usage: string[]
  examples?: Example[]
  flags?: FlagInput
  args?: ArgInput
}

/** One line of the command table: the module is loaded when the command is used. */
export interface CommandEntry {
  readonly name: string
  readonly aliases?: readonly string[]
  /** Heading in the overview. */
  readonly group: string
  readonly summary: string
  readonly load: () => Promise<{ default: CommandClass }>
}

/** kubectl's users write `--wait=false` and `-w=true`; oclif knows `--no-wait`. */
function normaliseBooleans(argv: readonly string[], flags: FlagInput): string[] {
  return argv.flatMap((word) => {
    const match = /^(?:--([a-z0-9-]+)|-([A-Za-z]))=(.*)$/.exec(word)
    if (!match) return [word]
    const [, long, short, value] = match
    const name = long ?? Object.keys(flags).find((key) => flags[key]?.char === short)
    const flag = name === undefined ? undefined : flags[name]
    if (name === undefined || flag?.type !== 'boolean') return [word]
    if (value === 'true') return [`--${name}`]
    if (value === 'false') return flag.allowNo ? [`--no-${name}`] : []
    throw new MkError('MK_INPUT', `invalid argument "${value}" for "--${name}": it is true or false`)
  })
}
