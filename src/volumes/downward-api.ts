import type { DownwardAPIVolumeFile, Pod } from '../api/types.js'
import type { Payload } from './atomic-writer.js'
import { writeAtomically } from './atomic-writer.js'
import type { DownwardFacts } from './downward-fields.js'
import { fieldValue, resourceValue } from './downward-fields.js'
import type { VolumePlugin } from './volume.js'
import { VolumeError } from './volume.js'

/** The pod's own metadata and resources as files; follows changes of labels and annotations. */
export const downwardApiVolume: VolumePlugin = {
  field: 'downwardAPI',
  async mount(volume, { pod, directory, ownership, facts, now }) {
    const { items = [], defaultMode = 0o644 } = volume.downwardAPI ?? {}
    await writeAtomically(directory, downwardPayload(pod, items, facts, defaultMode), ownership, now)
    return { type: 'bind', source: directory }
  }
}

/** Files of a downwardAPI source, of its own or within a projected volume. */
export function downwardPayload(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  facts: DownwardFacts,
  defaultMode: number
): Payload {
  return new Map(
    items.map((item) => [
      item.path,
      { data: Buffer.from(valueOf(pod, item, facts)), mode: item.mode ?? defaultMode }
    ])
  )
}

function valueOf(pod: Pod, item: DownwardAPIVolumeFile, facts: DownwardFacts): string {
  const { fieldRef, resourceFieldRef } = item
  if (fieldRef) {
    const value = fieldValue(pod, fieldRef, facts)
    if (value === undefined) throw new VolumeError(`unsupported fieldPath: ${fieldRef.fieldPath}`)
    return value
  }
  const name = resourceFieldRef?.containerName ?? ''
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === name)
  if (!resourceFieldRef || !container) throw new VolumeError(`container ${name} not found`)
  const value = resourceValue(container, resourceFieldRef, facts)
  if (value === undefined)
    throw new VolumeError(`unsupported container resource : ${resourceFieldRef.resource}`)
  return value
}
