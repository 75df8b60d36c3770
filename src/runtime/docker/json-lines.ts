import type { Readable } from 'node:stream'

/** The JSON values of a stream that the engine sends one after another, a line each. Malformed lines are left out. */
export async function* jsonLines(source: Readable): AsyncGenerator<unknown, void, undefined> {
  let rest = ''
  source.setEncoding('utf8')
  for await (const chunk of source) {
    const lines = (rest + (chunk as string)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const value = parse(line)
      if (value !== undefined) yield value
    }
  }
  const last = parse(rest)
  if (last !== undefined) yield last
}

function parse(line: string): unknown {
  if (line.trim() === '') return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
