import type { Pod, Service } from '../api/types.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { ResourceClient } from '../client/client.js'
import type { EventRecorder } from '../client/events.js'
import type { Runtime } from '../runtime/runtime.js'
import type { DownwardFacts } from '../volumes/downward-fields.js'
import type { VolumeSources } from '../volumes/volume.js'
import type { ImageManager } from './images/image-manager.js'
import type { KubeletTiming } from './pod-view.js'

/** What all pods of one node share: collaborators and facts of the node. */
export interface NodeContext {
  readonly nodeName: string
  readonly pods: ResourceClient<Pod>
  readonly runtime: Runtime
  readonly images: ImageManager
  readonly sources: VolumeSources
  readonly recorder: EventRecorder
  readonly clock: Clock
  readonly logger: Logger
  readonly stateDir: string
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly timing: KubeletTiming
  hostIp(): string
  memoryBytes(): number
  allocatable(): Readonly<Record<string, string>>
  services(): readonly Service[]
  /** Contents of the machine's own resolv.conf and hosts file, as of now. */
  hostFiles(): Promise<{ resolvConf: string; hosts: string }>
  /** The engine failed to answer: the node's condition is checked soon. */
  onEngineTrouble(): void
  readonly facts: (podIps: readonly string[]) => DownwardFacts
}
