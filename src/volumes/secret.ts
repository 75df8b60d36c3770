import type { KeyToPath, Pod } from '../api/types.js'
import type { Payload } from './atomic-writer.js'
import { writeAtomically } from './atomic-writer.js'
import { payloadOfKeys } from './key-items.js'
import type { VolumePlugin, VolumeSources } from './volume.js'
import { VolumeError, namespaceOf } from './volume.js'

/** A Secret's keys as files; follows changes of the object. The files lie in the pod's directory, mode 0700. */
export const secretVolume: VolumePlugin = {
  field: 'secret',
  async mount(volume, { pod, directory, ownership, sources, now }) {
    const { secretName, items, optional, defaultMode = 0o644 } = volume.secret ?? {}
    const payload = await secretPayload(sources, pod, { name: secretName, items, optional }, defaultMode)
    await writeAtomically(directory, payload, ownership, now)
    return { type: 'bind', source: directory }
  }
}

/** Files of a Secret source, of its own or within a projected volume. */
export async function secretPayload(
  sources: VolumeSources,
  pod: Pod,
  source: { name?: string | undefined; items?: KeyToPath[] | undefined; optional?: boolean | undefined },
  defaultMode: number
): Promise<Payload> {
  const name = source.name ?? ''
  const secret = await sources.secret(namespaceOf(pod), name)
  const optional = source.optional === true
  if (!secret && !optional) throw new VolumeError(`secret "${name}" not found`)
  const data = new Map(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')])
  )
  return payloadOfKeys({ data, items: source.items, defaultMode, optional, what: 'secret' })
}
