import { parseIpv4 } from '../../base/ip.js'
import { entryKey } from '../nft/service-table.js'
import type { ServiceEntry } from '../nft/service-table.js'
import type { ServiceModel } from './service-model.js'

/**
 * Where pods can connect to and get to this Service: its cluster address, external addresses and, on every node's
 * address, its node ports.
 */
export function serviceEntries(model: ServiceModel, nodeAddresses: readonly string[]): ServiceEntry[] {
  const { clusterIP, externalIPs, affinitySeconds } = model
  if (clusterIP === undefined) return []
  const entries = new Map<string, ServiceEntry>()
  for (const { protocol, port, nodePort, endpoints } of model.ports) {
    const add = (ip: string, at: number) => {
      if (parseIpv4(ip) === undefined) return
      const entry = { ip, protocol, port: at, endpoints, affinitySeconds }
      if (!entries.has(entryKey(entry))) entries.set(entryKey(entry), entry)
    }
    for (const ip of [clusterIP, ...externalIPs]) add(ip, port)
    if (nodePort > 0) for (const ip of nodeAddresses) add(ip, nodePort)
  }
  return [...entries.values()]
}
