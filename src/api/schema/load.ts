import { readFileSync } from 'node:fs'
import type { Definitions } from './definition.js'
import type { Message } from './message.js'

/** The generated data, read when first needed: parsing takes 10 ms, which start-up does not pay. */
export interface SchemaData {
  readonly definitions: Definitions
  /** Protobuf messages by the name of their definition. */
  readonly messages: Readonly<Record<string, Message>>
}

/**
 * @param folder holds definitions.json and messages.json; default `generated/` beside this file (in a bundle: beside
 * the bundle, where the build copies it).
 */
export function lazySchemaData(folder = new URL('./generated/', import.meta.url)): SchemaData {
  const read = <T>(name: string): (() => T) => {
    let value: T | undefined
    return () => (value ??= JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as T)
  }
  const definitions = read<Definitions>('definitions.json')
  const messages = read<SchemaData['messages']>('messages.json')
  return {
    get definitions() {
      return definitions()
    },
    get messages() {
      return messages()
    }
  }
}
