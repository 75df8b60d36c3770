import type { Kind } from '../api/kind.js'
import type { MergeSchema } from '../api/schema/merge-schema.js'
import type { KubeObject } from '../base/object.js'

/** What the API server needs to know about the shape of objects. */
export interface Schemas {
  /** What is of the wrong type, in Go's words for it; nothing if the value fits. */
  typeErrors(kind: Kind, value: unknown): string[]
  /** Removes members that the kind does not declare, in place, and returns their paths (`spec.foo`). */
  prune(kind: Kind, value: KubeObject): string[]
  /** Fills in the zero values of required scalars and structs, in place, as Go would write them. */
  fillRequired(kind: Kind, value: KubeObject): void
  mergeSchemaOf(kind: Kind): MergeSchema
  /** Decodes a body of `application/vnd.kubernetes.protobuf`. Throws a StatusError (400) if it is malformed. */
  decodeProtobuf(body: Buffer): unknown
}
