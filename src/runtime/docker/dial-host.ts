import net from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf, MkError } from '../../base/errors.js'

/** Connects to a port of this machine, for pods that share its network. */
export function dialHost(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    socket.once('connect', () => {
      resolve(socket)
    })
    socket.once('error', (cause) => {
      reject(
        new MkError('MK_ENGINE_FAILED', `dial tcp4 127.0.0.1:${String(port)}: ${messageOf(cause)}`, { cause })
      )
    })
  })
}
