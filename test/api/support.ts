import type { KubeObject } from '../../src/base/object.js'
import type { FieldError } from '../../src/base/status.js'
import type { Kind } from '../../src/api/kind.js'

const metadata = { name: 'a', namespace: 'default', uid: 'u', resourceVersion: '1' }

/** An object with complete metadata and its kind's defaults, from what the test cares for. */
export function make<T extends KubeObject>(kind: Kind<T>, partial: object): T {
  const object = structuredClone({
    ...partial,
    metadata: { ...metadata, ...('metadata' in partial ? (partial.metadata as object) : {}) }
  })
  kind.applyDefaults?.(object as T)
  return object as T
}

/** `field: message` of each error. */
export const texts = (errors: readonly FieldError[] | undefined): string[] =>
  (errors ?? []).map((error) => `${error.field}: ${error.message}`)

/** What validation says to the object with defaults; on update if `old` is given. */
export const problems = <T extends KubeObject>(kind: Kind<T>, partial: object, old?: object): string[] =>
  texts(kind.validate?.(make(kind, partial), old === undefined ? undefined : make(kind, old)))

/** The cells of the columns, by column name. */
export const cells = <T extends KubeObject>(kind: Kind<T>, object: T, now: Date): Record<string, unknown> =>
  Object.fromEntries(kind.columns.map((column) => [column.name, column.cell(object, now)]))
