/**
 * What strategic merge patch and server-side apply know about a type. The two disagree in places (service ports merge
 * by `port` in a patch, by `port` and `protocol` in an apply), so each has fields of its own.
 */
export interface MergeSchema {
  readonly kind: 'struct' | 'map' | 'list' | 'scalar' | 'any'
  /** The schema of a declared field (structs only). */
  field(name: string): MergeSchema | undefined
  /** Element type of a list or map. */
  readonly items?: MergeSchema
  /** Server-side apply; a list without one is atomic. */
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listMapKeys?: readonly string[]
  /** Values that absent keys of list elements stand for, such as `{ protocol: 'TCP' }`. */
  readonly keyDefaults?: Readonly<Record<string, unknown>>
  readonly mapType?: 'atomic' | 'granular'
  /** Strategic merge patch. */
  readonly patchStrategy?: readonly ('merge' | 'replace' | 'retainKeys')[]
  readonly patchMergeKey?: string
}
