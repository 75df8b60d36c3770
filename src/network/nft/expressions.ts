import type { AttributeWriter } from './attribute-writer.js'

/**
 * Expressions of nf_tables rules as the kernel has them (linux/netfilter/nf_tables.h). A rule is a list of them, run
 * in order on a small register file. Register 1 is 16 bytes wide and shares them with the 4-byte registers 8 to 11; a
 * concatenation starts in register 1 and each further 4-byte field has the next small register.
 */
export interface Expression {
  /** The kernel's name of the expression type. */
  readonly name: string
  readonly write: (w: AttributeWriter) => void
}

export const register = { verdict: 0, first: 1, second: 9, third: 10, fourth: 11, fifth: 12 } as const

const dataValue = 1

export function writeData(w: AttributeWriter, attribute: number, data: Buffer): void {
  w.nest(attribute, () => {
    w.bytes(dataValue, data)
  })
}

const numbers = (name: string, attributes: readonly (readonly [number, number])[]): Expression => ({
  name,
  write: (w) => {
    for (const [attribute, value] of attributes) w.u32(attribute, value)
  }
})

/** A 4-byte number in host order, as meta, ct and numgen leave it in a register. */
export function hostNumber(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const networkHeader = 1
const transportHeader = 2
const loadPayload = (base: number, offset: number, length: number, target: number) =>
  numbers('payload', [[1, target], [2, base], [3, offset], [4, length]]) // prettier-ignore

export const loadDestination = (target: number): Expression => loadPayload(networkHeader, 16, 4, target)
export const loadDestinationPort = (target: number): Expression => loadPayload(transportHeader, 2, 2, target)

const loadMeta = (key: number, target: number) => numbers('meta', [[1, target], [2, key]]) // prettier-ignore
export const loadProtocol = (target: number): Expression => loadMeta(16, target)
export const loadOutputInterface = (target: number): Expression => loadMeta(5, target)

const equal = 0
const notEqual = 1
const compare = (operator: number, source: number, data: Buffer): Expression => ({
  name: 'cmp',
  write: (w) => {
    w.u32(1, source)
    w.u32(2, operator)
    writeData(w, 3, data)
  }
})
export const isEqual = (source: number, data: Buffer): Expression => compare(equal, source, data)
export const isNotEqual = (source: number, data: Buffer): Expression => compare(notEqual, source, data)

/** Keeps only the bits of the mask in the register. */
export const maskBits = (target: number, mask: Buffer): Expression => ({
  name: 'bitwise',
  write: (w) => {
    w.u32(1, target)
    w.u32(2, target)
    w.u32(3, mask.length)
    writeData(w, 4, mask)
    writeData(w, 5, Buffer.alloc(mask.length))
  }
})

const conntrackStatus = 2
const conntrackMark = 3
const destinationTranslated = 0x20
/** Goes on only for connections whose destination was translated (`ct status dnat`). */
export const isTranslated = (): Expression[] => [
  numbers('ct', [[1, register.first], [2, conntrackStatus]]), // prettier-ignore
  maskBits(register.first, hostNumber(destinationTranslated)),
  isNotEqual(register.first, hostNumber(0))
]
/** `ct mark set`: the register's 4 bytes become the connection's mark. */
export const setConntrackMark = (source: number): Expression => numbers('ct', [[4, source], [2, conntrackMark]]) // prettier-ignore

/** A random number below `modulus`, host order. */
export const randomBelow = (modulus: number, target: number): Expression =>
  numbers('numgen', [[1, target], [2, modulus], [3, 1], [4, 0]]) // prettier-ignore

/** Goes on if the key starting at `source` is in the set; from a map the value goes to `result`. */
export const lookup = (set: string, source: number, result?: number): Expression => ({
  name: 'lookup',
  write: (w) => {
    w.string(1, set)
    w.u32(2, source)
    if (result !== undefined) w.u32(3, result)
  }
})

const updateOperation = 1
const deleteOperation = 2
const changeMap = (
  map: string,
  operation: number,
  key: number,
  value: number,
  timeoutMs?: number
): Expression => ({
  name: 'dynset',
  write: (w) => {
    w.string(1, map)
    w.u32(3, operation)
    w.u32(4, key)
    w.u32(5, value)
    if (timeoutMs !== undefined) w.u64(6, timeoutMs)
  }
})

/** Refreshes the time-out of a key that is in the dynamic map (its value stays), or adds key and value. */
export const updateMap = (map: string, key: number, value: number, timeoutMs: number): Expression =>
  changeMap(map, updateOperation, key, value, timeoutMs)

/** Takes a key out of a dynamic map, if it is there (kernel 5.4 and later). The value's register must be named too. */
export const deleteFromMap = (map: string, key: number, value: number): Expression =>
  changeMap(map, deleteOperation, key, value)

const natDestination = 1
const familyIpv4 = 2
export const translateDestination = (address: number, port: number): Expression =>
  numbers('nat', [[1, natDestination], [2, familyIpv4], [3, address], [5, port]]) // prettier-ignore

export const masquerade = (): Expression => numbers('masq', [])

const rejectIcmp = 0
const rejectReset = 1
const portUnreachable = 3
const reject = (type: number, code: number): Expression => ({
  name: 'reject',
  write: (w) => {
    w.u32(1, type)
    w.u8(2, code)
  }
})
export const rejectWithReset = (): Expression => reject(rejectReset, 0)
export const rejectWithUnreachable = (): Expression => reject(rejectIcmp, portUnreachable)
