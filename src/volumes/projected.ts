import type { ServiceAccountTokenProjection, VolumeProjection } from '../api/types.js'
import type { Payload } from './atomic-writer.js'
import { writeAtomically } from './atomic-writer.js'
import { configMapPayload } from './config-map.js'
import { downwardPayload } from './downward-api.js'
import { secretPayload } from './secret.js'
import type { VolumeContext, VolumePlugin } from './volume.js'
import { VolumeError } from './volume.js'

/** Several sources in one directory; a later one wins where two give the same path. */
export const projectedVolume: VolumePlugin = {
  field: 'projected',
  async mount(volume, context) {
    const { sources = [], defaultMode = 0o644 } = volume.projected ?? {}
    const payload: Payload = new Map()
    let refreshAt: Date | undefined
    for (const source of sources) {
      const part = await sourcePayload(source, context, defaultMode)
      for (const [path, file] of part.payload) payload.set(path, file)
      if (part.refreshAt && (!refreshAt || part.refreshAt < refreshAt)) refreshAt = part.refreshAt
    }
    await writeAtomically(context.directory, payload, context.ownership, context.now)
    return { type: 'bind', source: context.directory, refreshAt }
  }
}

async function sourcePayload(
  source: VolumeProjection,
  context: VolumeContext,
  defaultMode: number
): Promise<{ payload: Payload; refreshAt?: Date }> {
  const { pod, sources, facts } = context
  if (source.configMap)
    return { payload: await configMapPayload(sources, pod, source.configMap, defaultMode) }
  if (source.secret) return { payload: await secretPayload(sources, pod, source.secret, defaultMode) }
  if (source.downwardAPI)
    return { payload: downwardPayload(pod, source.downwardAPI.items ?? [], facts, defaultMode) }
  if (source.serviceAccountToken) return tokenPayload(source.serviceAccountToken, context, defaultMode)
  throw new VolumeError(`projected source ${Object.keys(source).join(', ')} is not supported`)
}

async function tokenPayload(
  { audience, expirationSeconds = 3600, path }: ServiceAccountTokenProjection,
  { pod, sources, ownership }: VolumeContext,
  defaultMode: number
): Promise<{ payload: Payload; refreshAt: Date }> {
  const request = { expirationSeconds, ...(audience === undefined ? {} : { audience }) }
  const { token, refreshAt } = await sources.serviceAccountToken(pod, request)
  // A token belongs to whoever runs the pod, and to nobody else where that is known.
  const isOwned = ownership.fsUser !== undefined || ownership.fsGroup !== undefined
  const file = {
    data: Buffer.from(token),
    mode: isOwned ? 0o600 : defaultMode,
    ...(ownership.fsUser === undefined ? {} : { fsUser: ownership.fsUser })
  }
  return { payload: new Map([[path, file]]), refreshAt }
}
