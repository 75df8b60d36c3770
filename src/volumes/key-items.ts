import type { KeyToPath } from '../api/types.js'
import type { Payload } from './atomic-writer.js'
import { VolumeError } from './volume.js'

/**
 * The files of a ConfigMap or Secret: all keys, or the chosen `items` with their paths and modes. A chosen key that
 * is missing is an error unless the source is optional (configmap.MakePayload of the kubelet).
 */
export function payloadOfKeys(options: {
  data: ReadonlyMap<string, Buffer>
  items: readonly KeyToPath[] | undefined
  defaultMode: number
  optional: boolean
  /** For messages: `configmap`, `secret`. */
  what: string
}): Payload {
  const { data, items, defaultMode, optional, what } = options
  if (!items?.length)
    return new Map([...data].map(([key, value]) => [key, { data: value, mode: defaultMode }]))
  const payload: Payload = new Map()
  for (const { key, path, mode } of items) {
    const value = data.get(key)
    if (value !== undefined) payload.set(path, { data: value, mode: mode ?? defaultMode })
    else if (!optional) throw new VolumeError(`${what} references non-existent ${what} key: ${key}`)
  }
  return payload
}
