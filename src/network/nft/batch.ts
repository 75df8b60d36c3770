import { AttributeWriter, roundUp4 } from './attribute-writer.js'
import { writeData } from './expressions.js'
import type { Expression } from './expressions.js'

const familyIpv4 = 2
const subsystem = 10
const batchBegin = 16
const batchEnd = 17
const flag = { exclusive: 0x200, create: 0x400, append: 0x800 } as const
const message = {
  newTable: 0,
  deleteTable: 2,
  newChain: 3,
  newRule: 6,
  newSet: 9,
  newElements: 12,
  deleteElements: 14
} as const
const hookNumber = { output: 3, postrouting: 4 } as const
const accept = 1
const setFlag = { map: 8, timeout: 16, evaluated: 32 } as const
const listItem = 1

// One attribute's length field has 16 bits, so a long element list is cut into several messages.
const elementListLimit = 60_000

export type DataType = keyof typeof dataTypes
/** The numbers of nft's data types and their lengths in bytes; the type of a concatenation packs 6 bits each. */
const dataTypes = {
  // Like a plain number, but of a known length, so that nft can list it.
  mark: { id: 19, length: 4 },
  ipv4: { id: 7, length: 4 },
  protocol: { id: 12, length: 1 },
  port: { id: 13, length: 2 }
} as const

const typeIdOf = (types: readonly DataType[]) => types.reduce((id, type) => id * 64 + dataTypes[type].id, 0)
const lengthOf = (types: readonly DataType[]) =>
  types.reduce((sum, type) => sum + roundUp4(dataTypes[type].length), 0)

export interface SetSpec {
  name: string
  key: readonly DataType[]
  /** Makes it a map. */
  value?: readonly DataType[]
  /** Elements are added by rules and expire. */
  dynamic?: boolean
}

/** Every field of a concatenation is padded to 4 bytes. */
export interface SetElement {
  key: Buffer
  value?: Buffer
}

export interface ChainSpec {
  name: string
  type: 'nat' | 'filter'
  hook: keyof typeof hookNumber
  priority: number
}

/**
 * One nf_tables transaction for one IPv4 table, without the nft binary: the kernel takes all of it or nothing. Send it
 * as ONE datagram on a NETLINK_NETFILTER socket in the target network namespace, with a send buffer above its length
 * (a batch cut off before its end is dropped without an error). No answer means success; an error carries the
 * sequence number of the message that it is about.
 */
export class Batch {
  readonly #w = new AttributeWriter()
  readonly #table: string
  #sequence = 0

  constructor(table: string) {
    this.#table = table
    this.#w.message({
      type: batchBegin,
      flags: 0,
      sequence: this.#sequence++,
      family: 0,
      resource: subsystem
    })
  }

  /** Messages so far, the opening one left out. */
  get size(): number {
    return this.#sequence - 1
  }

  /** Ends the transaction; the batch can't be used afterwards. */
  toBuffer(): Buffer {
    this.#w.message({ type: batchEnd, flags: 0, sequence: this.#sequence++, family: 0, resource: subsystem })
    return this.#w.result()
  }

  /** Makes the table empty, whether or not it exists: create it (no error if present), delete it, create it. */
  replaceTable(): void {
    this.#tableMessage('newTable', flag.create)
    this.#tableMessage('deleteTable', 0)
    this.#tableMessage('newTable', flag.create)
  }

  newChain(chain: ChainSpec): void {
    this.#add('newChain', flag.create, (w) => {
      w.string(1, this.#table)
      w.string(3, chain.name)
      w.string(7, chain.type)
      w.u32(5, accept)
      w.nest(4, () => {
        w.u32(1, hookNumber[chain.hook])
        w.u32(2, chain.priority)
      })
    })
  }

  newSet({ name, key, value, dynamic = false }: SetSpec): void {
    const flags = (value ? setFlag.map : 0) | (dynamic ? setFlag.timeout | setFlag.evaluated : 0)
    this.#add('newSet', flag.create, (w) => {
      w.string(1, this.#table)
      w.string(2, name)
      w.u32(3, flags)
      w.u32(4, typeIdOf(key))
      w.u32(5, lengthOf(key))
      if (value) {
        w.u32(6, typeIdOf(value))
        w.u32(7, lengthOf(value))
      }
      w.u32(10, this.#sequence)
    })
  }

  /** Fails if an element is there already, so that a wrong idea of the kernel's state shows. */
  addElements(set: string, elements: readonly SetElement[]): void {
    this.#elements('newElements', set, elements)
  }

  /** Fails if an element is not there. */
  deleteElements(set: string, elements: readonly SetElement[]): void {
    this.#elements('deleteElements', set, elements)
  }

  /** Appends to the chain. */
  newRule(chain: string, expressions: readonly Expression[]): void {
    this.#add('newRule', flag.create | flag.append, (w) => {
      w.string(1, this.#table)
      w.string(2, chain)
      w.nest(4, () => {
        for (const expression of expressions) {
          w.nest(listItem, () => {
            w.string(1, expression.name)
            w.nest(2, () => {
              expression.write(w)
            })
          })
        }
      })
    })
  }

  #add(kind: keyof typeof message, flags: number, writeContent: (w: AttributeWriter) => void): void {
    const header = {
      type: subsystem * 256 + message[kind],
      flags,
      sequence: this.#sequence++,
      family: familyIpv4,
      resource: 0
    }
    this.#w.message(header, () => {
      writeContent(this.#w)
    })
  }

  #tableMessage(kind: 'newTable' | 'deleteTable', flags: number): void {
    this.#add(kind, flags, (w) => {
      w.string(1, this.#table)
      if (kind === 'newTable') w.u32(2, 0)
    })
  }

  #elements(kind: 'newElements' | 'deleteElements', set: string, elements: readonly SetElement[]): void {
    let chunk: SetElement[] = []
    let length = 0
    for (const element of elements) {
      const encoded = encodedLength(element)
      if (length + encoded > elementListLimit) {
        this.#elementsMessage(kind, set, chunk)
        chunk = []
        length = 0
      }
      chunk.push(element)
      length += encoded
    }
    if (chunk.length > 0) this.#elementsMessage(kind, set, chunk)
  }

  #elementsMessage(
    kind: 'newElements' | 'deleteElements',
    set: string,
    elements: readonly SetElement[]
  ): void {
    this.#add(kind, kind === 'newElements' ? flag.create | flag.exclusive : 0, (w) => {
      w.string(1, this.#table)
      w.string(2, set)
      w.nest(3, () => {
        for (const { key, value } of elements) {
          w.nest(listItem, () => {
            writeData(w, 1, key)
            if (value) writeData(w, 2, value)
          })
        }
      })
    })
  }
}

const encodedLength = ({ key, value }: SetElement): number =>
  4 + 8 + roundUp4(key.length) + (value ? 8 + roundUp4(value.length) : 0)
