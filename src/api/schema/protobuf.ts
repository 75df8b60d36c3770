import { isUtf8 } from 'node:buffer'
import { messageOf } from '../../base/errors.js'
import { statusErrors } from '../../base/status.js'
import { toTime } from '../../base/clock.js'
import { parseGroupVersion } from '../kind.js'
import { wellKnown } from './definition.js'
import type { SchemaData } from './load.js'
import type { Message, MessageField } from './message.js'
import { bytesOf, integersOf, MalformedProtobuf, readFields, type WireField } from './wire.js'

const magic = Buffer.from('k8s\0', 'latin1')
const maxDepth = 64

type Json = Record<string, unknown>

/**
 * Decodes bodies of `application/vnd.kubernetes.protobuf` into what the same client would have sent as JSON: four
 * magic bytes, then a runtime.Unknown with the type and the message itself. Zero values that Go's JSON leaves out are
 * left out.
 */
export class ProtobufDecoder {
  readonly #data: SchemaData
  #byKind: Map<string, string> | undefined

  constructor(data: SchemaData) {
    this.#data = data
  }

  /** Throws a StatusError, 400, for bytes that are no such body and for types that are not known. */
  decode(body: Buffer): Json {
    try {
      return this.#decode(body)
    } catch (error) {
      if (!(error instanceof MalformedProtobuf)) throw error
      throw statusErrors.badRequest(`couldn't get version/kind; protobuf decode error: ${messageOf(error)}`)
    }
  }

  #decode(body: Buffer): Json {
    if (!body.subarray(0, magic.length).equals(magic)) {
      throw new MalformedProtobuf(
        'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]'
      )
    }
    const meta = { apiVersion: '', kind: '' }
    let raw = Buffer.alloc(0)
    for (const field of readFields(body.subarray(magic.length))) {
      if (field.number === 2) raw = Buffer.from(bytesOf(field))
      if (field.number !== 1) continue
      for (const inner of readFields(bytesOf(field))) {
        if (inner.number === 1) meta.apiVersion = text(inner)
        if (inner.number === 2) meta.kind = text(inner)
      }
    }
    const name = this.#definitionOf(meta)
    if (name === undefined) {
      const { group, version } = parseGroupVersion(meta.apiVersion)
      throw statusErrors.badRequest(
        `no kind "${meta.kind}" is registered for version "${group ? `${group}/` : ''}${version}"`
      )
    }
    return { ...meta, ...this.#message(name, raw, 0) }
  }

  #definitionOf({ apiVersion, kind }: { apiVersion: string; kind: string }): string | undefined {
    // Every group has DeleteOptions of its own name, all the same type.
    if (kind === 'DeleteOptions') return wellKnown.deleteOptions
    this.#byKind ??= new Map(
      Object.entries(this.#data.definitions).flatMap(([name, { groupVersionKind: gvk }]) =>
        gvk && name in this.#data.messages
          ? [[`${gvk.group ? `${gvk.group}/` : ''}${gvk.version} ${gvk.kind}`, name] as const]
          : []
      )
    )
    return this.#byKind.get(`${apiVersion} ${kind}`)
  }

  #message(name: string, bytes: Buffer, depth: number): Json {
    if (depth > maxDepth) throw new MalformedProtobuf('proto: too deeply nested')
    const message: Message = this.#data.messages[name] ?? {}
    const result: Json = {}
    for (const wire of readFields(bytes)) {
      const field = message[wire.number]
      if (field) this.#field(result, field, wire, depth)
    }
    return result
  }

  #field(result: Json, field: MessageField, wire: WireField, depth: number): void {
    if (field.inline) {
      Object.assign(result, this.#message(field.type, bytesOf(wire), depth + 1))
      return
    }
    if (field.label === 'map') {
      const map = (result[field.name] ??= {}) as Json
      const [key, value] = this.#entry(field, bytesOf(wire), depth)
      // Plain assignment of __proto__ would change the object's prototype.
      Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
      return
    }
    const values = this.#values(field.type, wire, depth)
    if (field.label === 'list') {
      const list = (result[field.name] ??= []) as unknown[]
      for (const value of values) list.push(value)
      return
    }
    const value = values.at(-1)
    const zero = value === '' || value === 0 || value === false
    if (value !== undefined && (!zero || field.keep)) result[field.name] = value
  }

  #entry(field: MessageField, bytes: Buffer, depth: number): [string, unknown] {
    let key = ''
    let value: unknown = field.type === 'string' || field.type === 'bytes' ? '' : undefined
    for (const inner of readFields(bytes)) {
      if (inner.number === 1) key = text(inner)
      if (inner.number === 2) value = this.#values(field.type, inner, depth).at(-1)
    }
    return [key, value ?? {}]
  }

  #values(type: string, wire: WireField, depth: number): unknown[] {
    switch (type) {
      case 'string':
        return [text(wire)]
      case 'bytes':
        return [bytesOf(wire).toString('base64')]
      case 'int':
        return integersOf(wire)
      case 'bool':
        return integersOf(wire).map((number) => number !== 0)
      case 'double':
        return [double(wire)]
      case 'strings':
        return [[...readFields(bytesOf(wire))].filter((field) => field.number === 1).map(text)]
      case wellKnown.quantity:
        return [first(bytesOf(wire), 1, text) ?? '0']
      case wellKnown.intOrString:
        return [intOrString(bytesOf(wire))]
      case wellKnown.time:
        return [time(bytesOf(wire), false)]
      case wellKnown.microTime:
        return [time(bytesOf(wire), true)]
      case wellKnown.rawExtension:
      case wellKnown.fieldsV1:
        return [first(bytesOf(wire), 1, (field) => json(bytesOf(field)))]
      default:
        return [this.#message(type, bytesOf(wire), depth + 1)]
    }
  }
}

function text(field: WireField): string {
  const bytes = bytesOf(field)
  if (!isUtf8(bytes)) throw new MalformedProtobuf('proto: invalid UTF-8 in a string field')
  return bytes.toString('utf8')
}

function double(field: WireField): number {
  if (field.wire !== 'fixed' || field.value.length !== 8)
    throw new MalformedProtobuf('proto: wrong wireType for a double')
  return field.value.readDoubleLE()
}

function first<T>(message: Buffer, number: number, read: (field: WireField) => T): T | undefined {
  for (const field of readFields(message)) if (field.number === number) return read(field)
  return undefined
}

const integer = (field: WireField): number => integersOf(field)[0] ?? 0

/** intstr.IntOrString: type (0 number, 1 string), number, string. */
function intOrString(message: Buffer): number | string {
  return first(message, 1, integer) === 1
    ? (first(message, 3, text) ?? '')
    : (first(message, 2, integer) ?? 0)
}

/** Seconds and nanoseconds since 1970; no seconds at all is Go's zero time, which JSON has as null. */
function time(message: Buffer, micro: boolean): string | undefined {
  const seconds = first(message, 1, integer)
  if (seconds === undefined) return undefined
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) throw new MalformedProtobuf('time out of range')
  if (!micro) return toTime(date)
  const micros = Math.trunc((first(message, 2, integer) ?? 0) / 1000)
  return `${toTime(date).slice(0, -1)}.${String(micros).padStart(6, '0')}Z`
}

function json(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    throw new MalformedProtobuf('a raw extension holds no JSON')
  }
}
