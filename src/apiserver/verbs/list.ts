import { StatusError, statusErrors } from '../../base/status.js'
import type { ListOptions, ResourceRequest } from '../../client/transport.js'
import type { StoreRecord } from '../../store/store.js'
import { decodeContinue, encodeContinue } from '../continue-token.js'
import type { Core } from '../core.js'
import { entityOf } from '../entity.js'
import type { Entity } from '../entity.js'
import { storagePrefix } from '../keys.js'
import { matcherOf } from '../selection.js'
import type { Matcher } from '../selection.js'
import { isStoreError, parseResourceVersion, tooLargeVersion, validateVersionOptions } from '../versions.js'

export interface EntityListOptions extends Omit<ListOptions, 'resourceVersionMatch'> {
  /** Checked here: clients may send anything. */
  resourceVersionMatch?: string | undefined
  sendInitialEvents?: boolean | undefined
}

export interface EntityList {
  entities: Entity[]
  revision: number
  continue?: string
  remainingItemCount?: number
}

interface Window {
  prefix: string
  start: string | undefined
  /** Undefined: as of now. */
  revision: number | undefined
}

// With a selector a page may need many records; they are read in runs of this many at least.
const scanLength = 500

/** Upstream's meaning of limit, continue, resourceVersion and resourceVersionMatch; items in key order. */
export function listEntities(
  core: Core,
  target: ResourceRequest,
  options: EntityListOptions = {}
): EntityList {
  validateVersionOptions(options, false)
  const { kind, namespace, name } = target
  const matches = matcherOf(kind, options, name)
  const prefix = storagePrefix(kind, namespace)
  const window = windowOf(core, prefix, options)
  const limit = options.limit && options.limit > 0 ? options.limit : undefined
  try {
    const page = readPage(core, target, window, limit, matches)
    return {
      entities: page.entities,
      revision: page.revision,
      ...(page.after === undefined ? {} : { continue: encodeContinue(page.revision, page.after) }),
      ...(page.after === undefined || matches ? {} : { remainingItemCount: page.remaining })
    }
  } catch (error) {
    if (!isStoreError(error, 'compacted')) throw error
    throw expiredList(options, window)
  }
}

function windowOf(core: Core, prefix: string, options: EntityListOptions): Window {
  const wanted = parseResourceVersion(options.resourceVersion)
  if (options.continue) {
    if (wanted)
      throw statusErrors.badRequest('specifying resource version is not allowed when using continue')
    const token = decodeContinue(options.continue)
    return { prefix, start: prefix + token.start, revision: token.revision }
  }
  if (wanted === undefined || wanted === 0) return { prefix, start: undefined, revision: undefined }
  const current = core.store.revision
  if (wanted > current) throw tooLargeVersion(wanted, current)
  // A limited list at a version without a match rule has always meant exactly that version.
  const exact = options.resourceVersionMatch === 'Exact' || (!options.resourceVersionMatch && options.limit)
  return { prefix, start: undefined, revision: exact ? wanted : undefined }
}

interface Page {
  entities: Entity[]
  revision: number
  /** Where the next page begins, relative to the prefix. */
  after: string | undefined
  remaining: number
}

function readPage(
  core: Core,
  { kind }: ResourceRequest,
  window: Window,
  limit: number | undefined,
  matches: Matcher | undefined
): Page {
  const entities: Entity[] = []
  const runLength = limit === undefined ? undefined : matches ? Math.max(limit, scanLength) : limit
  let { start, revision } = window
  for (;;) {
    const run = core.store.list({
      prefix: window.prefix,
      ...(start === undefined ? {} : { start }),
      ...(runLength === undefined ? {} : { limit: runLength }),
      ...(revision === undefined ? {} : { revision })
    })
    revision ??= run.revision
    for (const [index, record] of run.records.entries()) {
      const entity = entityOf(kind, record)
      if (matches && !matches(entity.object)) continue
      entities.push(entity)
      const remaining = run.records.length - index - 1 + run.remaining
      if (entities.length === limit && remaining > 0) {
        return { entities, revision, after: successor(record, window.prefix), remaining }
      }
    }
    const last = run.records.at(-1)
    if (!last || run.remaining === 0) return { entities, revision, after: undefined, remaining: 0 }
    start = `${last.key}\0`
  }
}

/** The least key above the record's. */
const successor = (record: StoreRecord, prefix: string): string => `${record.key.slice(prefix.length)}\0`

function expiredList(options: EntityListOptions, window: Window): StatusError {
  if (!options.continue) return statusErrors.expired('The resourceVersion for the provided list is too old.')
  const error = statusErrors.expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
      'without the continue parameter, or use the continue token in this response to retrieve the remainder of the ' +
      'results. Continuing with the provided token results in an inconsistent list - objects that were created, ' +
      'modified, or deleted between the time the first chunk was returned and now may show up in the list.'
  )
  const token = encodeContinue(-1, (window.start ?? '').slice(window.prefix.length))
  return new StatusError({ ...error.status, metadata: { continue: token } })
}
