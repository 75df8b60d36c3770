import type { Service } from '../types.js'

/** What mk accepts in a Service but does not do. */
export function serviceWarnings({ spec, metadata }: Service): string[] {
  const { externalIPs = [], ports = [], loadBalancerSourceRanges = [], trafficDistribution } = spec
  const rules: [boolean, string][] = [
    [ports.some((port) => port.protocol === 'SCTP'), 'spec.ports: mk does not forward SCTP'],
    [
      externalIPs.length > 0,
      'spec.externalIPs: mk routes external IPs inside of pods only, not on this machine and its network'
    ],
    [loadBalancerSourceRanges.length > 0, 'spec.loadBalancerSourceRanges: mk does not filter by source'],
    [Boolean(spec.loadBalancerIP), 'spec.loadBalancerIP: mk chooses the addresses of load balancers itself'],
    [
      Boolean(spec.loadBalancerClass),
      `spec.loadBalancerClass: mk has no load balancers of class ${spec.loadBalancerClass ?? ''}; without a class, mk gives the Service an address`
    ],
    [
      spec.externalTrafficPolicy === 'Local',
      'spec.externalTrafficPolicy: mk forwards connections from outside itself, so pods do not see the address of the client'
    ],
    [
      Boolean(spec.healthCheckNodePort),
      'spec.healthCheckNodePort: mk does not answer health checks of load balancers'
    ],
    [
      spec.internalTrafficPolicy === 'Local',
      'spec.internalTrafficPolicy: all nodes of mk are on one machine, so the endpoints of all of them are taken for local'
    ],
    [
      Boolean(trafficDistribution) || topologyAnnotations.some((name) => metadata.annotations?.[name]),
      `spec.trafficDistribution: all nodes of mk are on one machine, so no endpoint is preferred for being near`
    ],
    [spec.ipFamilyPolicy === 'PreferDualStack', 'spec.ipFamilyPolicy: mk has IPv4 only']
  ]
  return rules.filter(([given]) => given).map(([, text]) => text)
}

const topologyAnnotations = [
  'service.kubernetes.io/topology-mode',
  'service.kubernetes.io/topology-aware-hints'
]
