import type { ConfigMap, ConfigMapVolumeSource, KeyToPath, Pod } from '../api/types.js'
import type { Payload } from './atomic-writer.js'
import { writeAtomically } from './atomic-writer.js'
import { payloadOfKeys } from './key-items.js'
import type { VolumePlugin, VolumeSources } from './volume.js'
import { VolumeError, namespaceOf } from './volume.js'

/** A ConfigMap's keys as files; follows changes of the object. */
export const configMapVolume: VolumePlugin = {
  field: 'configMap',
  async mount(volume, { pod, directory, ownership, sources, now }) {
    const source: ConfigMapVolumeSource = volume.configMap ?? {}
    const payload = await configMapPayload(sources, pod, source, source.defaultMode ?? 0o644)
    await writeAtomically(directory, payload, ownership, now)
    return { type: 'bind', source: directory }
  }
}

/** Files of a ConfigMap source, of its own or within a projected volume. */
export async function configMapPayload(
  sources: VolumeSources,
  pod: Pod,
  source: { name?: string | undefined; items?: KeyToPath[] | undefined; optional?: boolean | undefined },
  defaultMode: number
): Promise<Payload> {
  const name = source.name ?? ''
  const configMap = await sources.configMap(namespaceOf(pod), name)
  const optional = source.optional === true
  if (!configMap && !optional) throw new VolumeError(`configmap "${name}" not found`)
  const data = configMap ? configMapData(configMap) : new Map<string, Buffer>()
  return payloadOfKeys({ data, items: source.items, defaultMode, optional, what: 'configmap' })
}

function configMapData({ data = {}, binaryData = {} }: ConfigMap): Map<string, Buffer> {
  return new Map([
    ...Object.entries(data).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const)
  ])
}
