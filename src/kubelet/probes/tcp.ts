import { connect } from 'node:net'
import type { ProbeResult } from './probe-result.js'

/** A port that accepts connections is a success (pkg/probe/tcp). */
export function probeTcp(target: { host: string; port: number; timeoutMs: number }): Promise<ProbeResult> {
  const { host, port, timeoutMs } = target
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const done = (result: ProbeResult) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => {
      done({ result: 'failure', output: `dial tcp ${host}:${String(port)}: i/o timeout` })
    })
    socket.once('connect', () => {
      done({ result: 'success', output: '' })
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'ECONNREFUSED' ? 'connect: connection refused' : error.message
      done({ result: 'failure', output: `dial tcp ${host}:${String(port)}: ${reason}` })
    })
  })
}
