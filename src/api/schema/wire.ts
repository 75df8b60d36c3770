/** One field of a protobuf message as it is on the wire. */
export type WireField =
  | { number: number; wire: 'varint'; value: bigint }
  | { number: number; wire: 'fixed'; value: Buffer }
  | { number: number; wire: 'bytes'; value: Buffer }

/** The bytes are no protobuf message. */
export class MalformedProtobuf extends Error {
  override readonly name = 'MalformedProtobuf'
}

/** Reads the fields of a message in order. Throws MalformedProtobuf, never reads beyond the buffer. */
export function* readFields(message: Buffer): Generator<WireField> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined) throw new MalformedProtobuf('unexpected EOF')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new MalformedProtobuf('proto: integer overflow')
  }
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new MalformedProtobuf('unexpected EOF')
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = varint()
    const number = Number(tag >> 3n)
    if (number === 0 || number > 0x1fffffff)
      throw new MalformedProtobuf(`proto: illegal tag ${String(number)}`)
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, wire: 'varint', value: varint() }
        break
      case 1:
        yield { number, wire: 'fixed', value: take(8) }
        break
      case 2:
        yield { number, wire: 'bytes', value: take(Number(varint())) }
        break
      case 5:
        yield { number, wire: 'fixed', value: take(4) }
        break
      default:
        throw new MalformedProtobuf(`proto: illegal wireType ${String(tag & 7n)}`)
    }
  }
}

/** The integers of a field: one, or several packed together. */
export function integersOf(field: WireField): number[] {
  if (field.wire === 'varint') return [Number(BigInt.asIntN(64, field.value))]
  if (field.wire !== 'bytes')
    throw new MalformedProtobuf(`proto: wrong wireType for field ${String(field.number)}`)
  // A packed list is the values alone: read each behind a tag of our own.
  const numbers: number[] = []
  let start = 0
  for (let i = 0; i < field.value.length; i++) {
    if ((field.value[i] ?? 0) >= 0x80) continue
    const [value] = readFields(Buffer.concat([Buffer.of(8), field.value.subarray(start, i + 1)]))
    if (value?.wire === 'varint') numbers.push(Number(BigInt.asIntN(64, value.value)))
    start = i + 1
  }
  if (start !== field.value.length) throw new MalformedProtobuf('unexpected EOF')
  return numbers
}

/** The bytes of a length-delimited field. */
export function bytesOf(field: WireField): Buffer {
  if (field.wire !== 'bytes')
    throw new MalformedProtobuf(`proto: wrong wireType for field ${String(field.number)}`)
  return field.value
}
