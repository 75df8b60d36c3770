import type { Kind } from '../../api/kind.js'
import type { KubeObject, ListMeta } from '../../base/object.js'
import { statusErrors } from '../../base/status.js'
import type { Representation } from './negotiation.js'

export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** The `includeObject` parameter of table requests. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') || 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  throw statusErrors.badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`)
}

interface TableOptions {
  kind: Kind
  version: Representation['version']
  include: IncludeObject
  now: Date
  /** Left out in all but the first event of a watch. */
  headers: boolean
}

/** meta.k8s.io Table of objects, as `kubectl get` prints it. */
export function tableOf(
  objects: readonly KubeObject[],
  metadata: Partial<ListMeta>,
  options: TableOptions
): unknown {
  const { kind, version, include, now, headers } = options
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: headers ? definitionsOf(kind) : [],
    rows: objects.map((object) => ({
      cells: kind.columns.map((column) => column.cell(object, now)),
      ...(include === 'None' ? {} : { object: include === 'Object' ? object : partialOf(object, version) })
    }))
  }
}

const definitionsOf = (kind: Kind) =>
  kind.columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority
  }))

/** The object's metadata alone. */
export function partialOf(object: KubeObject, version: Representation['version']): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}
