import type { ConfigMap, Pod, Secret, Volume } from '../api/types.js'
import type { RuntimeVolumes } from '../runtime/runtime.js'
import type { DownwardFacts } from './downward-fields.js'

/** Why a volume can't be mounted, in upstream's words; shown as event FailedMount and tried again. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'
}

/** What volumes read from the API. A missing object is undefined; other failures throw StatusErrors. */
export interface VolumeSources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
  /** A token of the pod's service account, bound to the pod (TokenRequest); the same one until `refreshAt`. */
  serviceAccountToken(
    pod: Pod,
    request: { audience?: string; expirationSeconds: number }
  ): Promise<{ token: string; refreshAt: Date }>
}

/** Whom the files of a volume belong to. */
export interface Ownership {
  /** May this process give files away? A daemon of a plain user can't; then modes let others read. */
  canChown: boolean
  fsGroup?: number | undefined
  /** The one uid that all containers run as, if they do. */
  fsUser?: number | undefined
}

export interface VolumeContext {
  pod: Pod
  /** This volume's own directory below the pod's; the plugin makes it. */
  directory: string
  ownership: Ownership
  sources: VolumeSources
  engineVolumes: RuntimeVolumes
  facts: DownwardFacts
  now: Date
}

/** What containers mount: a host path, or an engine volume by name. */
export interface MountedVolume {
  type: 'bind' | 'volume'
  source: string
  /** When the content must be made anew at the latest (tokens). */
  refreshAt?: Date | undefined
  /** The sandbox must hold it, or its data goes with the last container. */
  heldBySandbox?: boolean
}

/** One volume type. Both operations are idempotent; mounting again brings the content up to date. */
export interface VolumePlugin {
  /** The member of Volume that says this type. */
  readonly field: keyof Volume
  mount(volume: Volume, context: VolumeContext): Promise<MountedVolume>
  /** Beyond deleting the directory, which the caller does. */
  unmount?(volume: Volume, context: Pick<VolumeContext, 'pod' | 'engineVolumes'>): Promise<void>
}

/** The namespace of a pod, which is always set on stored objects. */
export const namespaceOf = (pod: Pod): string => pod.metadata.namespace ?? 'default'
