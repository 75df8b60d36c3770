import type { KubeObject } from '../base/object.js'
import type { FieldError } from '../base/status.js'

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

/** A column of `kubectl get` (meta/v1 TableColumnDefinition) and how its cell is computed. */
export interface Column<T extends KubeObject = KubeObject> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  /** Cells of format `name` are object names. */
  format?: string
  description?: string
  /** 0 is always shown, 1 only with `-o wide`. */
  priority?: number
  /** `now` is there for ages, which upstream sends as human-readable text (`5m`). */
  cell: (object: T, now: Date) => string | number | boolean | null
}

/** One subresource, such as `pods/status`. Connect subresources (exec, log, …) are served by the streams layer. */
export interface Subresource {
  name: string
  verbs: readonly ('create' | 'get' | 'patch' | 'update' | 'delete')[]
  /** The kind of its bodies, when it is not the parent's (Scale, Eviction, Binding, TokenRequest). */
  bodyKind?: { group: string; version: string; kind: string }
}

/**
 * Everything the API server knows about one kind: routes, discovery, storage, tables, OpenAPI derive from it.
 * One file in `kinds/` per kind, one line in `registry.ts`.
 */
export interface Kind<T extends KubeObject = KubeObject> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly Verb[]
  /** Name of the schema definition, e.g. `io.k8s.api.core.v1.Pod`. */
  readonly schema: string
  /** Includes `status` if the kind has one, and `scale`, `log`, `exec`, … */
  readonly subresources: readonly Subresource[]
  /** Kinds that share storage with another one (events in two groups) name its storage key here. */
  readonly storedAs?: { group: string; plural: string }
  /** Converts from and to the stored form, for kinds with `storedAs`. */
  readonly convert?: { fromStored: (stored: KubeObject) => T; toStored: (object: T) => KubeObject }
  /** Review kinds are answered, not stored. */
  readonly virtual?: boolean
  /** Orphan for Jobs and ReplicationControllers, else Background. */
  readonly defaultPropagation?: 'Background' | 'Orphan'
  /** Fills in defaults, in place (upstream: SetDefaults_*). Runs on create, update and patch, and in dry run. */
  readonly applyDefaults?: (object: T) => void
  /** Normalises on create, in place: drops what clients may not set (upstream: strategy.PrepareForCreate). */
  readonly prepareForCreate?: (object: T) => void
  /** Carries over what an update may not change silently, in place (PrepareForUpdate). Status is handled generically. */
  readonly prepareForUpdate?: (object: T, old: T) => void
  /** Cross-field rules, names, immutables, with upstream's messages. `old` is there on update. Types are checked by schema before. */
  readonly validate?: (object: T, old?: T) => FieldError[]
  /** Validates a write to `/status`. */
  readonly validateStatus?: (object: T, old: T) => FieldError[]
  /** Warnings to return in a header: what mk accepts but does not do, deprecated fields. */
  readonly warnings?: (object: T, old?: T) => string[]
  /** Which form metadata.name must have; default `subdomain` (DNS-1123 subdomain). */
  readonly nameRule?: 'label' | 'subdomain' | 'label1035' | 'path'
  /** Does a change from old to new count for metadata.generation? Default: spec differs. False: no generation at all. */
  readonly generation?: false | ((object: T, old: T) => boolean)
  /** Field selectors besides metadata.name and metadata.namespace. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>
  /** Columns of `kubectl get`; the first is Name. Default: Name and Age. */
  readonly columns: readonly Column<T>[]
  /** For kinds with a `scale` subresource. */
  readonly scale?: {
    get: (object: T) => { specReplicas: number; statusReplicas: number; selector: string }
    setReplicas: (object: T, replicas: number) => void
  }
  /** Graceful deletion: seconds to grant (0 = delete at once). Only pods have it. */
  readonly gracePeriodSeconds?: (object: T, requested: number | undefined) => number
}

/** `apps/v1`, or `v1` for the core group. */
export const groupVersionOf = (kind: { group: string; version: string }): string =>
  kind.group ? `${kind.group}/${kind.version}` : kind.version

/** Splits an apiVersion into group and version. */
export function parseGroupVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}
