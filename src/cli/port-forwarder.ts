import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Pod } from '../api/types.js'
import { MkError, messageOf } from '../base/errors.js'
import { bufferOf } from './web-socket.js'

/** One forwarded port. */
export interface Forward {
  /** 0: any that is free. */
  readonly local: number
  /** A number or the name of a port, of the service or the pod. */
  readonly remote: string
}

/** `8080:80`, `80`, `:80`, `8080:http`. */
export function parseForward(text: string): Forward {
  const [first = '', second, extra] = text.split(':')
  const remote = second ?? first
  const local = second === undefined ? (/^\d+$/.test(first) ? first : '0') : first || '0'
  if (extra !== undefined || !remote || !isPort(local, 0) || (/^\d+$/.test(remote) && !isPort(remote, 1))) {
    throw new MkError('MK_INPUT', `invalid port "${text}"`, {
      hint: 'ports are written LOCAL:REMOTE, such as 8080:80, or :80 for any free local port'
    })
  }
  return { local: Number(local), remote }
}

/** How long the pod may be silent after the client ended its side. */
const idleAfterEndMs = 10_000

const isPort = (text: string, least: number): boolean =>
  /^\d+$/.test(text) && Number(text) >= least && Number(text) <= 65535

interface ForwarderOptions {
  readonly forward: Forward
  /** Local addresses to listen on. */
  readonly addresses: readonly string[]
  /** A pod that is alive now, and the port in it: asked again for each connection. */
  readonly pick: () => Promise<{ pod: Pod; port: number }>
  readonly connect: (pod: Pod, port: number) => Promise<WebSocket>
  readonly onNote: (text: string) => void
}

/**
 * Listens locally and joins each connection with a port of a pod. The pod is picked anew for each connection: when one
 * ends, as in a rolling update, the next connection goes to another.
 */
export async function startForwarder(
  options: ForwarderOptions
): Promise<{ port: number; close: () => void }> {
  const servers: Server[] = []
  let { local } = options.forward
  for (const address of options.addresses) {
    // A client may send its end before our end: a half-open connection still gets the answer.
    const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket, options))
    servers.push(server)
    server.listen(local, address)
    try {
      await once(server, 'listening')
    } catch (cause) {
      for (const other of servers) other.close()
      throw listenError(local, address, cause as NodeJS.ErrnoException)
    }
    local = (server.address() as AddressInfo).port
  }
  return {
    port: local,
    close: () => {
      for (const server of servers) server.close()
    }
  }
}

async function serve(socket: Socket, options: ForwarderOptions): Promise<void> {
  // Data that comes before the other side is there waits in the socket.
  socket.pause()
  socket.on('error', () => socket.destroy())
  try {
    const { pod, port } = await options.pick()
    const remote = await options.connect(pod, port)
    join(socket, remote, options.onNote)
  } catch (error) {
    options.onNote(`error: ${messageOf(error)}`)
    socket.destroy()
  }
}

/** Channel 0 carries data, channel 1 an error; each begins with a frame that names the port (v4.channel.k8s.io). */
function join(local: Socket, remote: WebSocket, onNote: (text: string) => void): void {
  const begun = new Set<number>()
  remote.on('message', (data: Buffer) => {
    const frame = bufferOf(data)
    const channel = frame[0] ?? 0
    if (!begun.has(channel)) {
      begun.add(channel)
      return
    }
    const payload = frame.subarray(1)
    if (channel === 1) onNote(`error: ${payload.toString('utf8')}`)
    else if (payload.length > 0 && !local.destroyed && !local.write(payload)) remote.pause()
  })
  local.on('drain', () => {
    remote.resume()
  })
  local.on('data', (chunk: Buffer) => {
    local.pause()
    remote.send(Buffer.concat([Buffer.from([0]), chunk]), () => {
      local.resume()
    })
  })
  // The protocol can't say that the client has finished sending: what is still coming back is waited for.
  let idle: NodeJS.Timeout | undefined
  const closeWhenIdle = () => {
    clearTimeout(idle)
    if (local.readableEnded) idle = setTimeout(() => remote.close(), idleAfterEndMs)
  }
  local.on('end', closeWhenIdle)
  remote.on('message', closeWhenIdle)
  local.on('close', () => {
    clearTimeout(idle)
    remote.close()
  })
  remote.on('close', () => {
    local.end()
  })
  remote.on('error', () => local.destroy())
  local.resume()
}

function listenError(port: number, address: string, cause: NodeJS.ErrnoException): MkError {
  if (cause.code === 'EADDRINUSE') {
    return new MkError(
      'MK_PORT_IN_USE',
      `unable to listen on port ${port}: another program uses it on ${address}`,
      {
        hint: `choose another one, such as :REMOTE for any that is free`,
        cause
      }
    )
  }
  const hint = cause.code === 'EACCES' ? { hint: 'ports below 1024 need root: choose a higher one' } : {}
  return new MkError('MK_INPUT', `unable to listen on ${address}:${port}: ${cause.message}`, {
    ...hint,
    cause
  })
}
