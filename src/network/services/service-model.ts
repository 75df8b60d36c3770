import type { Endpoint } from '../nft/service-table.js'

/** One port of a Service with the endpoints that take its traffic now. */
export interface PortModel {
  /** Empty for the only, unnamed port. */
  name: string
  protocol: 'TCP' | 'UDP'
  port: number
  /** 0: none. */
  nodePort: number
  endpoints: Endpoint[]
}

/** One endpoint as DNS shows it: ready ones, or all of them with publishNotReadyAddresses. */
export interface NamedEndpoint {
  ip: string
  /** First label of its own name below the Service's: its host name, else the address with dashes. */
  hostname: string
  ports: { name: string; protocol: 'TCP' | 'UDP'; port: number }[]
}

/**
 * All that the data path knows of one Service: plain data, made from the Service and its EndpointSlices, sent to the
 * data plane and compared by value.
 */
export interface ServiceModel {
  namespace: string
  name: string
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** Undefined for headless and ExternalName. */
  clusterIP: string | undefined
  headless: boolean
  externalName: string | undefined
  /** Addresses besides clusterIP that pods may use: spec.externalIPs, load balancer addresses. */
  externalIPs: string[]
  /** Undefined: no session affinity. */
  affinitySeconds: number | undefined
  /** Does mk give it an address on the host? */
  balanced: boolean
  /** The loopback address that its status names, so that it keeps it over a restart. */
  balancerIP: string | undefined
  ports: PortModel[]
  /** For headless Services, SRV and PTR records. */
  named: NamedEndpoint[]
}

export const modelKey = (model: Pick<ServiceModel, 'namespace' | 'name'>): string =>
  `${model.namespace}/${model.name}`
