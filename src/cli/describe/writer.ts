/** Text of `describe`: labelled lines at levels of indentation, whose values line up within one block. */
export class Writer {
  readonly #lines: { level: number; label: string; value: string | undefined }[] = []

  /** `Label:  value`; a value of several lines, or a list, goes on below itself. */
  field(label: string, value: string | number | boolean | readonly string[] | undefined, level = 0): this {
    const values = typeof value === 'object' ? value : String(value ?? '<none>').split('\n')
    const [first = '<none>', ...others] = values.length > 0 ? values : ['<none>']
    this.#lines.push({ level, label: `${label}:`, value: first })
    for (const other of others) this.#lines.push({ level, label: '', value: other })
    return this
  }

  /** `Label:` with a block below. */
  heading(label: string, level = 0): this {
    this.#lines.push({ level, label: `${label}:`, value: undefined })
    return this
  }

  /** Lines as they are, indented. */
  text(text: string, level = 0): this {
    for (const line of text.trimEnd().split('\n')) this.#lines.push({ level, label: line, value: undefined })
    return this
  }

  toString(): string {
    const widths = new Map<number, number>()
    for (const { level, label, value } of this.#lines) {
      if (value !== undefined) widths.set(level, Math.max(widths.get(level) ?? 0, label.length))
    }
    return this.#lines
      .map(({ level, label, value }) => {
        const indent = '  '.repeat(level)
        return value === undefined
          ? `${indent}${label}`
          : `${indent}${label.padEnd((widths.get(level) ?? 0) + 2)}${value}`
      })
      .map((line) => `${line.trimEnd()}\n`)
      .join('')
  }
}

/** `a=b` lines, sorted by key. */
export function mapLines(map: Readonly<Record<string, string>> | undefined, separator = '='): string[] {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}${separator}${value}`)
}
