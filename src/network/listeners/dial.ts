import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { endpointKey } from './endpoint-picker.js'
import type { EndpointPicker } from './endpoint-picker.js'
import type { Endpoint } from '../nft/service-table.js'

const connectTimeoutMs = 2000
const maxTries = 3

/**
 * Connects to an endpoint; when one can't be reached, to the next. Undefined: none could be, or there is none.
 * Nothing has been sent then.
 */
export async function dialEndpoint(
  picker: EndpointPicker,
  client: string
): Promise<{ socket: Socket; endpoint: Endpoint } | undefined> {
  const tried = new Set<string>()
  while (tried.size < maxTries) {
    const endpoint = picker.pick(client, tried)
    if (!endpoint) return undefined
    const socket = await dial(endpoint)
    if (socket) return { socket, endpoint }
    picker.failed(endpoint)
    tried.add(endpointKey(endpoint))
  }
  return undefined
}

function dial({ ip, port }: Endpoint): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, noDelay: true, allowHalfOpen: true })
    const timer = setTimeout(() => socket.destroy(), connectTimeoutMs)
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}
