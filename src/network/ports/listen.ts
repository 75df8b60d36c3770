import type { Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Server } from 'node:net'

/** Why a port could not be taken. */
export type BindFailure = 'in-use' | 'not-allowed' | 'no-address'

/** Anything else than these is thrown. */
export function bindFailureOf(error: unknown): BindFailure | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return 'in-use'
  if (code === 'EACCES' || code === 'EPERM') return 'not-allowed'
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' ? 'no-address' : undefined
}

/** Listens on one address; undefined is success. */
export async function tryListen(
  server: Server,
  address: string,
  port: number
): Promise<BindFailure | undefined> {
  try {
    server.listen({ host: address, port, exclusive: true })
    await once(server, 'listening')
    return undefined
  } catch (error) {
    const failure = bindFailureOf(error)
    if (!failure) throw error
    return failure
  }
}

/** Binds to one address; undefined is success. A socket that failed can't be used again. */
export async function tryBind(
  socket: UdpSocket,
  address: string,
  port: number
): Promise<BindFailure | undefined> {
  try {
    socket.bind({ address, port, exclusive: true })
    await once(socket, 'listening')
    return undefined
  } catch (error) {
    const failure = bindFailureOf(error)
    if (!failure) throw error
    return failure
  }
}
