import { connect, constants } from 'node:http2'
import type { ProbeResult } from './probe-result.js'

/**
 * grpc.health.v1.Health/Check over plain HTTP/2: SERVING is a success. The two messages have one field each, so they
 * are written and read by hand.
 */
export function probeGrpc(target: {
  host: string
  port: number
  service: string
  timeoutMs: number
}): Promise<ProbeResult> {
  const { host, port, service, timeoutMs } = target
  const address = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`
  return new Promise((resolve) => {
    const session = connect(`http://${address}`)
    const timer = setTimeout(() => {
      done({
        result: 'failure',
        output: `timeout: failed to connect service "${address}" within ${String(timeoutMs / 1000)}s: context deadline exceeded`
      })
    }, timeoutMs)
    const done = (result: ProbeResult) => {
      clearTimeout(timer)
      session.destroy()
      resolve(result)
    }
    session.on('error', (error: Error) => {
      done({ result: 'failure', output: `failed to connect service "${address}": ${error.message}` })
    })
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers'
    })
    const chunks: Buffer[] = []
    let grpcStatus = ''
    const readStatus = (headers: Record<string, unknown>) => {
      const value = headers['grpc-status']
      if (typeof value === 'string') grpcStatus = value
    }
    stream.on('response', readStatus)
    stream.on('trailers', readStatus)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', (error: Error) => {
      done({ result: 'failure', output: `service unhealthy: ${error.message}` })
    })
    stream.on('end', () => {
      done(verdictOf(Buffer.concat(chunks), grpcStatus))
    })
    stream.end(frame(service))
  })
}

/** Length-prefixed HealthCheckRequest { string service = 1 }. */
function frame(service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

const servingStatus = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

/** HealthCheckResponse { enum status = 1 }. */
function verdictOf(body: Buffer, grpcStatus: string): ProbeResult {
  if (grpcStatus === '12')
    return {
      result: 'failure',
      output: 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)'
    }
  if (grpcStatus !== '0')
    return {
      result: 'failure',
      output: `error: health rpc probe failed with status ${grpcStatus || 'unknown'}`
    }
  const message = body.subarray(5)
  const status = message[0] === 0x08 ? (message[1] ?? 0) : 0
  if (status === 1) return { result: 'success', output: 'service healthy' }
  const name = servingStatus[status] ?? String(status)
  return { result: 'failure', output: `service unhealthy (responded with "${name}")` }
}
