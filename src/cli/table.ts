/** The server's answer to a list as a table (meta/v1 Table). */
export interface Table {
  kind: 'Table'
  metadata?: { resourceVersion?: string; continue?: string }
  columnDefinitions: { name: string; type: string; format?: string; priority?: number }[]
  rows: TableRow[]
}

export interface TableRow {
  cells: unknown[]
  object: {
    metadata: { name: string; namespace?: string; resourceVersion?: string; labels?: Record<string, string> }
  }
}

export interface TableOptions {
  /** Columns of priority > 0 too. */
  readonly wide?: boolean
  readonly showNamespace?: boolean
  readonly showLabels?: boolean
  /** Labels that get a column each. */
  readonly labelColumns?: readonly string[]
  readonly noHeaders?: boolean
  /** Put before names, such as `pod/`. */
  readonly namePrefix?: string
}

export const tableAccept =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

/** Prints tables as kubectl does; keeps column widths, so that the rows of a watch line up with those before. */
export class TablePrinter {
  readonly #options: TableOptions
  #widths: number[] = []
  #headersPrinted = false

  constructor(options: TableOptions) {
    this.#options = options
  }

  /** The text for one more table, with headers the first time. */
  print(table: Table): string {
    const rows = table.rows.map((row) => this.#cells(table, row))
    const withHeaders = !this.#headersPrinted && !this.#options.noHeaders
    const lines = withHeaders ? [this.#headers(table), ...rows] : rows
    this.#headersPrinted = true
    return this.#align(lines)
  }

  #headers(table: Table): string[] {
    const { showNamespace, labelColumns = [], showLabels } = this.#options
    return [
      ...(showNamespace ? ['NAMESPACE'] : []),
      ...this.#visible(table).map((column) => column.name.toUpperCase()),
      ...labelColumns.map((label) => (label.split('/').pop() ?? label).toUpperCase()),
      ...(showLabels ? ['LABELS'] : [])
    ]
  }

  #cells(table: Table, row: TableRow): string[] {
    const { showNamespace, namePrefix = '', labelColumns = [], showLabels } = this.#options
    const { namespace = '', labels = {} } = row.object.metadata
    const all = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    return [
      ...(showNamespace ? [namespace] : []),
      ...this.#visible(table).map((column) => {
        const text = cellText(row.cells[column.index])
        return column.format === 'name' ? `${namePrefix}${text}` : text
      }),
      ...labelColumns.map((label) => labels[label] ?? '<none>'),
      ...(showLabels ? [all.join(',') || '<none>'] : [])
    ]
  }

  #visible(table: Table) {
    return table.columnDefinitions
      .map((column, index) => ({ ...column, index }))
      .filter((column) => this.#options.wide || (column.priority ?? 0) === 0)
  }

  #align(lines: readonly string[][]): string {
    for (const line of lines) {
      line.forEach((cell, i) => {
        this.#widths[i] = Math.max(this.#widths[i] ?? 0, cell.length)
      })
    }
    return lines.map((line) => `${alignLine(line, this.#widths)}\n`).join('')
  }
}

/** Lines whose columns line up, three spaces apart: for tables that mk makes itself. */
export function formatColumns(lines: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const line of lines) line.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)))
  return lines.map((line) => `${alignLine(line, widths)}\n`).join('')
}

function alignLine(line: readonly string[], widths: readonly number[]): string {
  const last = line.length - 1
  return line.map((cell, i) => (i === last ? cell : cell.padEnd((widths[i] ?? 0) + 3))).join('')
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<none>'
  return typeof cell === 'string' ? cell : JSON.stringify(cell)
}
