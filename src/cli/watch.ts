import { MkError } from '../base/errors.js'
import type { KubeObject } from '../base/object.js'
import { StatusError, type Status } from '../base/status.js'
import { linesOf, type Query } from '../client/https.js'
import type { Io } from './io.js'
import { formatObject, type OutputFormat, withoutManagedFields } from './output.js'
import type { Session } from './session.js'
import { type Table, tableAccept, type TableOptions, TablePrinter } from './table.js'

interface WatchRequest {
  readonly session: Session
  /** Of a collection, or of one object. */
  readonly path: string
  readonly query: Query
  readonly signal: AbortSignal
}

/**
 * Changes of a collection after `resourceVersion`, for ever: a watch that the server ends is resumed where it was.
 * A version too old (410 Expired) is thrown as StatusError. Ends without error when the signal aborts.
 */
export async function* watchEvents<O = KubeObject>(
  request: WatchRequest & {
    resourceVersion: string
    accept?: string
    versionOf: (object: O) => string | undefined
  }
): AsyncGenerator<{ type: string; object: O }> {
  let { resourceVersion } = request
  while (!request.signal.aborted) {
    try {
      const body = await request.session.client.stream({
        path: request.path,
        query: { ...request.query, watch: true, allowWatchBookmarks: true, resourceVersion },
        accept: request.accept,
        signal: request.signal
      })
      for await (const line of linesOf(body)) {
        const event = JSON.parse(line) as { type: string; object: O }
        if (event.type === 'ERROR') throw new StatusError(event.object as Status)
        resourceVersion = request.versionOf(event.object) ?? resourceVersion
        if (event.type !== 'BOOKMARK') yield event
      }
    } catch (error) {
      if (request.signal.aborted) return
      if (error instanceof StatusError || error instanceof MkError) throw error
      throw new MkError('MK_DAEMON_NOT_RUNNING', 'the connection to the API server broke', {
        hint: 'see `mk status`',
        cause: error
      })
    }
  }
}

/** The version of an object, for {@link watchEvents}. */
export const versionOf = (object: KubeObject): string => object.metadata.resourceVersion

/** `mk get -w`: what is there, then each change as one more row or document, until interrupted. */
export async function watchTarget(options: {
  session: Session
  path: string
  query: Query
  options: { format: OutputFormat; table: TableOptions; showManagedFields: boolean }
  changesOnly: boolean
  io: Io
}): Promise<void> {
  const { session, io, changesOnly } = options
  const { format, table, showManagedFields } = options.options
  const { path, query } = options
  const printer = new TablePrinter(table)
  const { body: list } = await session.client.json<Table>({ path, query, accept: tableAccept })
  if (format.kind === 'table') {
    if (!changesOnly && list.rows.length > 0) io.stdout.write(printer.print(list))
    const events = watchEvents<Table>({
      session,
      path,
      query,
      accept: tableAccept,
      signal: io.signal,
      resourceVersion: list.metadata?.resourceVersion ?? '',
      versionOf: (rows) => rows.rows[0]?.object.metadata.resourceVersion
    })
    for await (const event of events) {
      io.stdout.write(printer.print(withColumns(event.object, list)))
    }
    return
  }
  const events = watchEvents({
    session,
    path,
    query,
    signal: io.signal,
    resourceVersion: changesOnly ? (list.metadata?.resourceVersion ?? '') : '',
    versionOf
  })
  for await (const { object } of events) {
    const shown = showManagedFields ? object : withoutManagedFields(object)
    if (format.kind === 'name')
      io.stdout.write(`${(object.kind ?? '').toLowerCase()}/${object.metadata.name}\n`)
    else io.stdout.write(`${format.kind === 'yaml' ? '---\n' : ''}${await formatObject(shown, format)}`)
  }
}

/** Tables after the first of a watch come without column definitions. */
const withColumns = (table: Table, first: Table): Table =>
  (table.columnDefinitions ?? []).length > 0
    ? table
    : { ...table, columnDefinitions: first.columnDefinitions }
