import type { CommandClass, CommandEntry } from './command.js'

type Flag = NonNullable<CommandClass['flags']>[string]

/** The help of one command. */
export function commandHelp(command: CommandClass): string {
  const sections = [
    command.description ?? command.summary,
    section(
      'Usage',
      command.usage.map((u) => `mk ${u}`)
    )
  ]
  const args = Object.entries(command.args ?? {}).filter(([, arg]) => !arg.hidden)
  if (args.length > 0) {
    sections.push(section('Arguments', columns(args.map(([n, a]) => [n.toUpperCase(), a.description ?? '']))))
  }
  const flags = Object.entries(command.flags ?? {}).filter(([, flag]) => !flag.hidden)
  sections.push(section('Flags', columns([...flags.map(flagRow), ['-h, --help', 'Show this help']])))
  const examples = (command.examples ?? []).flatMap((e) => [`# ${e.description}`, e.command, ''])
  if (examples.length > 0) sections.push(section('Examples', examples.slice(0, -1)))
  return sections.join('\n\n')
}

/** The list of commands. */
export function overview(commands: readonly CommandEntry[]): string {
  const groups = [...new Set(commands.map((command) => command.group))]
  const lists = groups.map((group) =>
    section(group, columns(commands.filter((c) => c.group === group).map((c) => [c.name, c.summary])))
  )
  return [
    'mk is a mini-Kubernetes on the Docker Engine you already have.',
    section('Usage', ['mk COMMAND [flags]']),
    ...lists,
    "See 'mk COMMAND --help' for the flags and examples of a command."
  ].join('\n\n')
}

function flagRow([name, flag]: [string, Flag]): [string, string] {
  const value = flag.type === 'option' ? ` ${flag.helpValue?.toString() ?? name.toUpperCase()}` : ''
  const options = flag.type === 'option' && flag.options ? ` (${flag.options.join(', ')})` : ''
  return [`${flag.char ? `-${flag.char}, ` : '    '}--${name}${value}`, `${flag.description ?? ''}${options}`]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `${left.padEnd(width)}   ${right}`.trimEnd())
}

function section(title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines.map((line) => (line ? `  ${line}` : ''))].join('\n')
}
