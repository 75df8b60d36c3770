import { groupVersionOf } from '../api/kind.js'
import type { Kind } from '../api/kind.js'
import type { KubeObject, ManagedFieldsEntry } from '../base/object.js'
import { hasStatus } from './core.js'
import type { Core, Scope } from './core.js'
import { equalJson } from './json.js'
import { serverSideApply } from './patch/server-side-apply.js'
import { trackUpdate } from './patch/track-update.js'

export interface TrackOptions {
  kind: Kind
  /** As it will be stored; its managedFields are set. */
  next: KubeObject
  /** Missing on create. */
  old?: KubeObject
  subresource?: string | undefined
  fieldManager?: string | undefined
}

/** Records whose fields the write has changed. */
export function trackManager(core: Core, scope: Scope, options: TrackOptions): void {
  const { kind, next, old, subresource, fieldManager } = options
  const entries = trackUpdate({
    before: old,
    after: next,
    manager: fieldManager ?? scope.manager,
    schema: core.schemas.mergeSchemaOf(kind),
    apiVersion: groupVersionOf(kind),
    subresource,
    ignoredPaths: ignoredPaths(kind, subresource),
    now: core.clock.now()
  })
  if (entries.length > 0) next.metadata.managedFields = entries
  else delete next.metadata.managedFields
}

export interface ApplyOptions {
  kind: Kind
  current: KubeObject | undefined
  applied: KubeObject
  manager: string
  force: boolean
  subresource?: string | undefined
}

/**
 * The state that server-side apply leads to, managedFields included. It names a version only if the configuration does:
 * otherwise a lost race is no conflict.
 */
export function applyFields(core: Core, options: ApplyOptions): KubeObject {
  const { kind, current, applied, manager, force, subresource } = options
  const result = serverSideApply({
    live: current,
    applied: applied as unknown as Record<string, unknown>,
    manager,
    force,
    schema: core.schemas.mergeSchemaOf(kind),
    apiVersion: groupVersionOf(kind),
    subresource,
    ignoredPaths: ignoredPaths(kind, subresource),
    now: core.clock.now()
  })
  const { resourceVersion: _version, ...metadata } = result.metadata
  const { resourceVersion } = applied.metadata
  const versioned = resourceVersion ? { ...metadata, resourceVersion } : metadata
  return { ...result, metadata: versioned as KubeObject['metadata'] }
}

/** What an endpoint does not write is not owned through it. */
function ignoredPaths(kind: Kind, subresource: string | undefined): string[][] {
  if (subresource === 'status') return [['f:spec']]
  return hasStatus(kind) && subresource === undefined ? [['f:status']] : []
}

/** Equal but for the order and times of managedFields: such a write is none. */
export function sameButTimes(a: KubeObject, b: KubeObject): boolean {
  const [left, right] = [a, b].map(({ metadata: { managedFields, ...metadata }, ...rest }) => ({
    rest: { ...rest, metadata },
    managers: (managedFields ?? []).map(describe).sort()
  }))
  return equalJson(left, right)
}

const describe = ({ time: _time, ...entry }: ManagedFieldsEntry): string =>
  JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
