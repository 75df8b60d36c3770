import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { messageOf } from '../../base/errors.js'
import type { ExecSession } from '../../runtime/runtime.js'
import type { PodAttachOptions } from './backend.js'
import { SpdyConnection } from './spdy.js'
import type { SpdyStream } from './spdy.js'
import { acceptSpdy } from './upgrade.js'
import { WebSocketChannels, acceptWebSocket, offeredProtocols } from './websocket.js'
import type { ChannelProtocol } from './websocket.js'

/** Where the streams of one exec or attach go, whatever carries them. */
interface Channels {
  stdin?: Readable
  stdout?: Writable
  stderr?: Writable
  resize?: Readable
  /** Sends the outcome and closes the connection. */
  finish(outcome: Outcome): void
}

type Outcome = { exitCode: number } | { error: string }

/** How long a SPDY client may take to open the streams that it announced (kubelet: streamCreationTimeout). */
const streamCreationTimeoutMs = 30_000

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const

/** The outcome as kubectl reads it from the error stream (remotecommand v4: NonZeroExitCode with cause ExitCode). */
function statusOf(outcome: Outcome): object {
  if ('error' in outcome) {
    return {
      metadata: {},
      status: 'Failure',
      reason: 'InternalError',
      message: `Internal error occurred: ${outcome.error}`,
      details: { causes: [{ message: outcome.error }] },
      code: 500
    }
  }
  if (outcome.exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${outcome.exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(outcome.exitCode) }] }
  }
}

/** What goes on the error stream: JSON from v4 on, before that a text and only on failure. */
function errorPayload(outcome: Outcome, statusJson: boolean): Buffer | undefined {
  if (statusJson) return Buffer.from(JSON.stringify(statusOf(outcome)))
  if ('error' in outcome) return Buffer.from(outcome.error)
  return outcome.exitCode === 0
    ? undefined
    : Buffer.from(`command terminated with exit code ${outcome.exitCode}`)
}

/** `{"Width":80,"Height":24}`, one after the other; a line break between them is allowed, not required. */
function onResizes(stream: Readable, resize: (size: { width: number; height: number }) => void): void {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const match = /"Width":(\d+),"Height":(\d+)/.exec(text.slice(0, end))
      text = text.slice(end + 1)
      if (match) resize({ width: Number(match[1]), height: Number(match[2]) })
    }
    if (text.length > 1024) text = ''
  })
}

async function drained(from: Readable, to: Writable | undefined): Promise<void> {
  if (!to) {
    from.resume()
    return
  }
  from.pipe(to)
  // Only the sending half counts: clients never close theirs. A client that left is no error.
  await finished(to, { readable: false }).catch(() => {})
}

/** Joins a running command with the client's channels until it ends or the client goes. */
async function join(session: ExecSession, channels: Channels): Promise<void> {
  if (channels.stdin) {
    session.stdin.on('error', () => {})
    channels.stdin.pipe(session.stdin)
  }
  if (channels.resize)
    onResizes(channels.resize, (size) => {
      session.resize(size).catch(() => {})
    })
  const output = Promise.all([
    drained(session.stdout, channels.stdout),
    drained(session.stderr, channels.stderr)
  ])
  try {
    const exitCode = await session.exitCode
    await output
    channels.finish({ exitCode })
  } catch (error) {
    channels.finish({ error: messageOf(error) })
  }
}

function webSocketChannels(
  ws: WebSocketChannels,
  protocol: ChannelProtocol,
  options: PodAttachOptions
): Channels {
  return {
    ...(options.stdin ? { stdin: ws.readable(channel.stdin) } : {}),
    ...(options.stdout ? { stdout: ws.writable(channel.stdout) } : {}),
    ...(options.stderr && !options.tty ? { stderr: ws.writable(channel.stderr) } : {}),
    ...(options.tty ? { resize: ws.readable(channel.resize) } : {}),
    finish: (outcome) => {
      const payload = errorPayload(outcome, protocol.statusJson)
      if (payload) ws.send(channel.error, payload)
      ws.close()
    }
  }
}

/** Exec or attach over a WebSocket. */
export async function remoteCommandOverWebSocket(
  connection: {
    request: IncomingMessage
    socket: Duplex
    head: Buffer
  },
  protocol: ChannelProtocol,
  options: PodAttachOptions,
  session: ExecSession
): Promise<void> {
  // A client that goes during the handshake leaves nobody to serve.
  connection.socket.on('close', () => {
    session.close()
  })
  const named = offeredProtocols(connection.request).length > 0 ? protocol.name : undefined
  const ws = await acceptWebSocket(connection.request, connection.socket, connection.head, named)
  await join(session, webSocketChannels(new WebSocketChannels(ws, protocol), protocol, options))
}

/** Exec or attach over SPDY/3.1: one stream each, named by the header `streamtype`. */
export async function remoteCommandOverSpdy(
  connection: {
    request: IncomingMessage
    socket: Duplex
    head: Buffer
  },
  protocolName: string,
  options: PodAttachOptions,
  session: ExecSession
): Promise<void> {
  const wanted = [
    'error',
    ...(options.stdin ? ['stdin'] : []),
    ...(options.stdout ? ['stdout'] : []),
    ...(options.stderr && !options.tty ? ['stderr'] : []),
    // Terminal sizes came with v3 (remotecommand/constants.go).
    ...(options.tty && !/^(v2\.)?channel\.k8s\.io$/.test(protocolName) ? ['resize'] : [])
  ]
  connection.socket.on('close', () => {
    session.close()
  })
  acceptSpdy(connection.socket, connection.head, protocolName)
  const { spdy, streams } = await openedStreams(connection.socket, wanted)
  const { stdin, stdout, stderr, resize, error } = Object.fromEntries(streams)
  await join(session, {
    ...(stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    ...(resize ? { resize } : {}),
    finish: (outcome) => {
      const payload = errorPayload(outcome, /^v[45]\./.test(protocolName))
      for (const stream of streams.values()) if (stream !== error) stream.end()
      error?.end(payload, () => {
        spdy.close()
      })
    }
  })
}

function openedStreams(
  socket: Duplex,
  wanted: readonly string[]
): Promise<{ spdy: SpdyConnection; streams: Map<string, SpdyStream> }> {
  return new Promise((resolve, reject) => {
    const streams = new Map<string, SpdyStream>()
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the client did not open the streams ${wanted.join(', ')} in time`))
    }, streamCreationTimeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      reject(new Error('the client closed the connection'))
    })
    const spdy = new SpdyConnection(socket, (stream) => {
      streams.set(stream.headers['streamtype'] ?? '', stream)
      if (!wanted.every((type) => streams.has(type))) return
      clearTimeout(timer)
      resolve({ spdy, streams })
    })
  })
}
