import type { Endpoint } from '../nft/service-table.js'
import { tryBind, tryListen } from '../ports/listen.js'
import type { BindFailure } from '../ports/listen.js'
import { EndpointPicker } from './endpoint-picker.js'
import { createTcpForwarder } from './tcp-forwarder.js'
import type { TcpForwarder } from './tcp-forwarder.js'
import { createUdpForwarder } from './udp-forwarder.js'

export interface HostPortSpec {
  protocol: 'TCP' | 'UDP'
  /** The first must be free; the others (say, ::1 beside 127.0.0.1) are taken when they can be, by TCP only. */
  addresses: readonly string[]
  port: number
  endpoints: readonly Endpoint[]
  affinitySeconds: number | undefined
}

/** A port of the host that leads to endpoints, which may change while it is open. */
export interface HostPort {
  update(endpoints: readonly Endpoint[], affinitySeconds: number | undefined): void
  close(): void
}

/** Opens a port, or says why it can't be. */
export async function openHostPort(spec: HostPortSpec): Promise<HostPort | BindFailure> {
  const picker = new EndpointPicker()
  picker.update(spec.endpoints, spec.affinitySeconds)
  return spec.protocol === 'TCP' ? openTcp(spec, picker) : openUdp(spec, picker)
}

async function openTcp(
  { addresses, port }: HostPortSpec,
  picker: EndpointPicker
): Promise<HostPort | BindFailure> {
  const forwarders: TcpForwarder[] = []
  for (const [index, address] of addresses.entries()) {
    const forwarder = createTcpForwarder(picker)
    const failure = await tryListen(forwarder.server, address, port)
    if (failure === undefined) forwarders.push(forwarder)
    else if (index === 0) return failure
  }
  return {
    update(endpoints, affinitySeconds) {
      picker.update(endpoints, affinitySeconds)
    },
    close() {
      for (const forwarder of forwarders) forwarder.close()
    }
  }
}

async function openUdp(
  { addresses, port }: HostPortSpec,
  picker: EndpointPicker
): Promise<HostPort | BindFailure> {
  const forwarder = createUdpForwarder(picker)
  const failure = await tryBind(forwarder.socket, addresses[0] ?? '127.0.0.1', port)
  if (failure !== undefined) {
    forwarder.close()
    return failure
  }
  return {
    update(endpoints, affinitySeconds) {
      picker.update(endpoints, affinitySeconds)
      forwarder.keepOnly(endpoints)
    },
    close() {
      forwarder.close()
    }
  }
}
