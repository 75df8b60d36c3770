import { createHash } from 'node:crypto'
import type { Kind } from '../../kind.js'
import { wellKnown } from '../definition.js'
import type { SchemaData } from '../load.js'
import { encodeOpenApiV2 } from './gnostic.js'
import { documentOf, pathsOf, type Path } from './operations.js'
import { renderPaths } from './render.js'
import { reachable, schemaOf, type Dialect } from './schemas.js'

/** A document ready to be sent. */
export interface OpenApiDocument {
  bytes: Buffer
  /** SHA-512 in upper-case hex: the ETag (to be quoted) and the `hash` of the index. */
  hash: string
}

/** In every document, whatever the kinds. */
const always = [
  wellKnown.status,
  wellKnown.deleteOptions,
  wellKnown.patch,
  'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent'
]

/** OpenAPI documents of the kinds served. Each is made when first asked for, and kept. */
export class OpenApi {
  readonly #kinds: readonly Kind[]
  readonly #data: SchemaData
  readonly #version: string
  readonly #documents = new Map<string, OpenApiDocument>()

  constructor(options: { kinds: readonly Kind[]; data: SchemaData; version: string }) {
    this.#kinds = options.kinds
    this.#data = options.data
    this.#version = options.version
  }

  /** `/openapi/v3`: where the document of each group and version is. */
  v3Index(): OpenApiDocument {
    return this.#kept('v3', () => {
      const names = [...new Set(this.#kinds.map(documentOf))].sort()
      const paths = names.map((name) => [
        name,
        { serverRelativeURL: `/openapi/v3/${name}?hash=${this.v3(name)?.hash ?? ''}` }
      ])
      return json({ paths: Object.fromEntries(paths) as unknown })
    })
  }

  /** `/openapi/v3/<name>`, such as `api/v1` or `apis/apps/v1`; undefined if nothing of it is served. */
  v3(name: string): OpenApiDocument | undefined {
    const kinds = this.#kinds.filter((kind) => documentOf(kind) === name)
    if (kinds.length === 0) return undefined
    return this.#kept(`v3/${name}`, () =>
      json({
        openapi: '3.0.0',
        info: { title: 'Kubernetes', version: this.#version },
        ...this.#contents(kinds, 'v3')
      })
    )
  }

  /** `/openapi/v2` as JSON. */
  v2Json(): OpenApiDocument {
    return this.#kept('v2.json', () => json(this.#v2()))
  }

  /** `/openapi/v2` as `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`. */
  v2Protobuf(): OpenApiDocument {
    return this.#kept('v2.pb', () => encodeOpenApiV2(this.#v2()))
  }

  #v2(): Record<string, unknown> {
    return {
      swagger: '2.0',
      info: { title: 'Kubernetes', version: this.#version },
      ...this.#contents(this.#kinds, 'v2')
    }
  }

  #contents(kinds: readonly Kind[], dialect: Dialect): Record<string, unknown> {
    const paths = kinds.flatMap(pathsOf).sort((a, b) => (a.path < b.path ? -1 : 1))
    const definitions = this.#data.definitions
    const groupVersions = this.#groupVersions()
    const names = [...reachable(definitions, [...always, ...definitionsIn(paths)])].sort()
    const schemas = Object.fromEntries(
      names.map((name) => [name, schemaOf(name, definitions[name] ?? {}, groupVersions, dialect)])
    )
    return {
      paths: renderPaths(paths, dialect),
      ...(dialect === 'v3' ? { components: { schemas } } : { definitions: schemas })
    }
  }

  #groupVersions() {
    const all = new Map(this.#kinds.map(({ group, version }) => [`${group}/${version}`, { group, version }]))
    return [...all.values()]
  }

  #kept(key: string, make: () => Buffer): OpenApiDocument {
    const known = this.#documents.get(key)
    if (known) return known
    const bytes = make()
    const document = { bytes, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() }
    this.#documents.set(key, document)
    return document
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const definitionsIn = (paths: readonly Path[]): string[] =>
  paths.flatMap((path) =>
    path.operations.flatMap(({ body, response }) => [body, response].filter((name) => name !== undefined))
  )
