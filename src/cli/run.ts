import type { CommandClass, CommandEntry } from './command.js'
import { describeError, ExitError, isBrokenPipe, isUsageError } from './errors.js'
import { commandHelp, overview } from './help.js'
import type { Io } from './io.js'
import { closest } from './suggest.js'

/** Runs one command line and resolves to the exit code: 0, 1 for an error, 130 when interrupted, a command's own. */
export async function runCli(
  argv: readonly string[],
  io: Io,
  commands: readonly CommandEntry[]
): Promise<number> {
  try {
    return await dispatch(argv, io, commands)
  } catch (error) {
    if (error instanceof ExitError) return error.exitCode
    if (isBrokenPipe(error)) return 0
    if (io.signal.aborted) return 130
    io.stderr.write(`${describeError(error)}\n`)
    if (isUsageError(error)) io.stderr.write(`See '${helpFor(argv[0], commands)}' for usage.\n`)
    if (io.env['MK_DEBUG'] && error instanceof Error) io.stderr.write(`${error.stack ?? ''}\n`)
    return 1
  }
}

async function dispatch(argv: readonly string[], io: Io, commands: readonly CommandEntry[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '-h' || name === '--help' || name === 'help') {
    const topic = name === 'help' ? rest[0] : undefined
    const text = topic === undefined ? overview(commands) : commandHelp(await load(topic, commands))
    io.stdout.write(`${text}\n`)
    return 0
  }
  const command = await load(name === '--version' ? 'version' : name, commands)
  if (asksForHelp(rest)) {
    io.stdout.write(`${commandHelp(command)}\n`)
    return 0
  }
  return (await new command(rest, io).run()) ?? 0
}

function helpFor(name: string | undefined, commands: readonly CommandEntry[]): string {
  return findEntry(name, commands) ? `mk ${name ?? ''} --help` : 'mk --help'
}

const findEntry = (name: string | undefined, commands: readonly CommandEntry[]): CommandEntry | undefined =>
  commands.find((command) => command.name === name || command.aliases?.some((alias) => alias === name))

async function load(name: string, commands: readonly CommandEntry[]): Promise<CommandClass> {
  const entry = findEntry(name, commands)
  if (entry) return (await entry.load()).default
  const near = closest(
    name,
    commands.map((command) => command.name)
  )
  const message = `unknown command "${name}" for "mk"`
  throw Object.assign(new Error(near ? `${message}: did you mean "${near}"?` : message), { oclif: {} })
}

/** Words after `--` belong to another program. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end < 0 ? undefined : end).some((word) => word === '-h' || word === '--help')
}
