import type { MkErrorCode } from '../../base/errors.js'
import type { IngressModel } from '../ingress/ingress-model.js'
import type { BalancerAddress } from '../listeners/host-listeners.js'
import type { ServiceModel } from '../services/service-model.js'

/** What the data plane is started with: plain data, as everything that goes to and from it. */
export interface DataPlaneConfig {
  clusterDomain: string
  /** CIDR notation. */
  serviceCidr: string
  podCidr: string
  /** What `host.mk.internal` stands for: the host's address on the pods' bridge. */
  hostIp: string
  /** Where DNS listens, and the ports that are tried in order. */
  dnsAddresses: readonly string[]
  dnsPorts: readonly number[]
  /** Addresses that a DNS query must not be passed on to, because they lead back here. */
  dnsOwnAddresses: readonly string[]
  /** Default /etc/resolv.conf. */
  resolvConfPath?: string | undefined
  /** Where ingress, node ports and load balancers listen. */
  hostAddresses: readonly string[]
  httpPorts: readonly number[]
  httpsPorts: readonly number[]
}

/** A step towards what is wanted. */
export interface DataPlaneUpdate {
  services: readonly ServiceModel[]
  /** Keys of Services that are gone. */
  removed: readonly string[]
  /** All Ingresses, when any of them has changed. */
  ingresses?: readonly IngressModel[]
}

export interface DataPlanePorts {
  dns: number
  http: number
  https: number
}

export type DataPlaneEvent =
  | { type: 'notice'; about?: { kind: 'Service' | 'Ingress'; key: string }; reason: string; message: string }
  | { type: 'balancer'; service: string; address: BalancerAddress | undefined }

/** DNS, ingress and the host's listeners, wherever they run. */
export interface DataPlane {
  /** Resolves when all of it listens. Fails with MK_PORT_IN_USE when a port that was asked for is taken. */
  start(): Promise<DataPlanePorts>
  update(update: DataPlaneUpdate): void
  stop(): Promise<void>
}

export type MessageToWorker =
  { type: 'start'; config: DataPlaneConfig } | { type: 'update'; update: DataPlaneUpdate } | { type: 'stop' }

export type MessageFromWorker =
  | { type: 'started'; ports: DataPlanePorts }
  | { type: 'failed'; code: MkErrorCode | undefined; message: string; hint: string | undefined }
  | { type: 'event'; event: DataPlaneEvent }
  | { type: 'log'; line: string }
  | { type: 'stopped' }
