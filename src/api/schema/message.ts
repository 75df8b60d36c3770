/** One field of a protobuf message. */
export interface MessageField {
  /** Its name in JSON. */
  name: string
  /** A scalar (`string`, `int`, `double`, `bool`, `bytes`, `strings`) or the name of a definition. */
  type: string
  label?: 'list' | 'map'
  /** Zero is kept: a Go pointer, or written always. */
  keep?: boolean
  /** The message's fields are written among its parent's in JSON. */
  inline?: boolean
}

/** Fields by number. */
export type Message = Record<number, MessageField>
