/**
 * OpenAPI v2 as protobuf: `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`, the messages of gnostic's
 * OpenAPIv2.proto. kubectl before 1.29 reads nothing else.
 */
type Json = Record<string, unknown>

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}

/** A length-delimited field. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

const none = Buffer.alloc(0)
const text = (number: number, value: unknown) =>
  typeof value === 'string' && value !== '' ? field(number, value) : none
const flag = (number: number, value: unknown) =>
  value === true ? Buffer.concat([varint(number * 8), varint(1)]) : none
const each = <T>(values: readonly T[] | undefined, encode: (value: T) => Buffer) =>
  Buffer.concat((values ?? []).map(encode))
const all = (...parts: Buffer[]) => Buffer.concat(parts)

const object = (value: unknown): Json => (value ?? {}) as Json
const list = (value: unknown) => value as Json[] | undefined
const strings = (value: unknown) => value as string[] | undefined

/** gnostic's Any holds YAML, which JSON is. */
const any = (value: unknown) => field(2, `${JSON.stringify(value)}\n`)
/** Named* messages: name and value. */
const named = (number: number, name: string, value: Buffer) =>
  field(number, all(field(1, name), field(2, value)))

const extensions = (number: number, value: Json) =>
  each(
    Object.entries(value).filter(([key]) => key.startsWith('x-')),
    ([key, inner]) => named(number, key, any(inner))
  )

function schema(value: Json): Buffer {
  const { additionalProperties, items, properties, type } = value
  return all(
    text(1, value['$ref']),
    text(2, value['format']),
    text(4, value['description']),
    value['default'] === undefined ? none : field(5, any(value['default'])),
    each(strings(value['required']), (name) => field(19, name)),
    each(value['enum'] as unknown[] | undefined, (member) => field(20, any(member))),
    additionalProperties ? field(21, field(1, schema(object(additionalProperties)))) : none,
    typeof type === 'string' ? field(22, field(1, type)) : none,
    items ? field(23, field(1, schema(object(items)))) : none,
    properties
      ? field(
          25,
          each(Object.entries(object(properties)), ([name, inner]) => named(1, name, schema(object(inner))))
        )
      : none,
    extensions(31, value)
  )
}

/** ParametersItem → Parameter → body (1) or non-body (2) → query (3) or path (4). */
function parameter(number: number, value: Json): Buffer {
  const place = value['in']
  if (place === 'body') {
    const body = all(
      text(2, value['name']),
      text(3, 'body'),
      flag(4, value['required']),
      field(5, schema(object(value['schema'])))
    )
    return field(number, field(1, field(1, body)))
  }
  const shared = all(
    flag(1, value['required']),
    text(2, place),
    text(3, value['description']),
    text(4, value['name'])
  )
  const inner =
    place === 'path'
      ? field(4, all(shared, text(5, value['type'])))
      : field(3, all(shared, text(6, value['type'])))
  return field(number, field(1, field(2, inner)))
}

const response = (value: Json) =>
  all(
    text(1, value['description']),
    value['schema'] ? field(2, field(1, schema(object(value['schema'])))) : none
  )

const operation = (value: Json) =>
  all(
    each(strings(value['tags']), (tag) => field(1, tag)),
    text(3, value['description']),
    text(5, value['operationId']),
    each(strings(value['produces']), (type) => field(6, type)),
    each(strings(value['consumes']), (type) => field(7, type)),
    each(list(value['parameters']), (item) => parameter(8, item)),
    field(
      9,
      each(Object.entries(object(value['responses'])), ([code, inner]) =>
        named(1, code, field(1, response(object(inner))))
      )
    ),
    extensions(13, value)
  )

const methods: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 }

const path = (value: Json) =>
  all(
    ...Object.entries(methods).map(([method, number]) =>
      value[method] ? field(number, operation(object(value[method]))) : none
    ),
    each(list(value['parameters']), (item) => parameter(9, item))
  )

/** Encodes an OpenAPI v2 document. */
export function encodeOpenApiV2(document: Json): Buffer {
  const info = object(document['info'])
  return all(
    text(1, document['swagger']),
    field(2, all(text(1, info['title']), text(2, info['version']))),
    field(
      8,
      each(Object.entries(object(document['paths'])), ([name, value]) => named(2, name, path(object(value))))
    ),
    field(
      9,
      each(Object.entries(object(document['definitions'])), ([name, value]) =>
        named(1, name, schema(object(value)))
      )
    )
  )
}
