import type { Kind } from '../kind.js'
import { lazySchemaData, type SchemaData } from './load.js'
import type { MergeSchema } from './merge-schema.js'
import { MergeSchemas } from './merge-schemas.js'
import { OpenApi } from './openapi/openapi.js'
import { ProtobufDecoder } from './protobuf.js'
import { RequiredFields } from './required-fields.js'
import { TypeChecker } from './type-check.js'
import { UnknownFields } from './unknown-fields.js'

/** A type by its schema's name; every Kind is one. */
type Typed = Pick<Kind, 'schema'>

/**
 * What is known of the shape of objects, made from the generated definitions. Everything is built on first use; an
 * instance costs nothing until then.
 */
export class SchemaRegistry {
  readonly #data: SchemaData
  #merge: MergeSchemas | undefined
  #types: TypeChecker | undefined
  #fields: UnknownFields | undefined
  #required: RequiredFields | undefined
  #protobuf: ProtobufDecoder | undefined
  /** OpenAPI documents of the kinds served. */
  readonly openApi: OpenApi

  /**
   * @param options.version as /version says it: `v1.36.0`
   * @param options.folder where definitions.json and messages.json are; see {@link lazySchemaData}
   */
  constructor(options: { kinds: readonly Kind[]; version: string; folder?: URL }) {
    this.#data = lazySchemaData(options.folder)
    this.openApi = new OpenApi({ kinds: options.kinds, version: options.version, data: this.#data })
  }

  /** What is of the wrong type, in Go's words: `json: cannot unmarshal string into Go struct field …`. At most one. */
  typeErrors(kind: Typed, value: unknown): string[] {
    this.#types ??= new TypeChecker(this.#data.definitions)
    const problem = this.#types.check(kind.schema, value)
    return problem === undefined ? [] : [problem]
  }

  /** Removes fields that the kind does not declare, and nulls, in place; returns the unknown ones' paths (`spec.foo`). */
  prune(kind: Typed, value: unknown): string[] {
    this.#fields ??= new UnknownFields(this.#data.definitions)
    return this.#fields.prune(kind.schema, value)
  }

  /** Fills in, in place, the zero values of required scalars and structs, as Go would write them. */
  fillRequired(kind: Typed, value: unknown): void {
    this.#required ??= new RequiredFields(this.#data.definitions)
    this.#required.fill(kind.schema, value)
  }

  /** How patches and server-side apply merge objects of the kind. */
  mergeSchemaOf(kind: Typed): MergeSchema {
    this.#merge ??= new MergeSchemas(this.#data.definitions)
    return this.#merge.of(kind.schema)
  }

  /** Decodes a body of `application/vnd.kubernetes.protobuf`. Throws a StatusError (400) if it is malformed. */
  decodeProtobuf(body: Buffer): Record<string, unknown> {
    this.#protobuf ??= new ProtobufDecoder(this.#data)
    return this.#protobuf.decode(body)
  }
}
