import { once } from 'node:events'
import type { WebSocket } from 'ws'
import { MkError } from '../base/errors.js'
import type { Status } from '../base/status.js'
import type { Io } from './io.js'
import { bufferOf } from './web-socket.js'

/** Channels of the protocol v5.channel.k8s.io (apiserver remotecommand): the first byte of each frame. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** More than this waiting to be sent, and reading from stdin pauses. */
const highWaterBytes = 1024 * 1024

/**
 * Joins the streams of this process with a program in a container and resolves to its exit code. With a tty the
 * terminal is raw meanwhile, and its size is passed on.
 */
export async function runRemoteCommand(
  socket: WebSocket,
  options: { io: Io; stdin: boolean; tty: boolean }
): Promise<number> {
  const { io, stdin, tty } = options
  let verdict: Status | undefined
  socket.on('message', (data: Buffer) => {
    const frame = bufferOf(data)
    const payload = frame.subarray(1)
    if (payload.length === 0) return
    if (frame[0] === channels.stdout) io.stdout.write(payload)
    else if (frame[0] === channels.stderr) io.stderr.write(payload)
    else if (frame[0] === channels.error) verdict = JSON.parse(payload.toString('utf8')) as Status
  })
  const restore = tty ? useTerminal(socket, io) : () => {}
  const stopInput = stdin ? sendInput(socket, io) : () => {}
  try {
    await once(socket, 'close')
  } finally {
    stopInput()
    restore()
  }
  return exitCodeOf(verdict)
}

/** The last word of the server: a Status, whose cause ExitCode carries what is not zero. */
function exitCodeOf(verdict: Status | undefined): number {
  if (!verdict) throw new MkError('MK_DAEMON_NOT_RUNNING', 'the connection ended before the program did')
  if (verdict.status === 'Success') return 0
  const code = verdict.details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message
  if (code === undefined)
    throw new MkError('MK_ENGINE_FAILED', verdict.message ?? 'the program could not be run')
  return Number(code)
}

function sendInput(socket: WebSocket, io: Io): () => void {
  const onData = (chunk: Buffer) => {
    socket.send(frame(channels.stdin, chunk), () => {
      if (socket.bufferedAmount < highWaterBytes) io.stdin.resume()
    })
    if (socket.bufferedAmount > highWaterBytes) io.stdin.pause()
  }
  const onEnd = () => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.from([channels.close, channels.stdin]))
  }
  io.stdin.on('data', onData).on('end', onEnd)
  return () => {
    io.stdin.off('data', onData).off('end', onEnd)
    io.stdin.pause()
  }
}

/** Raw mode, so that each key goes through (Ctrl-C too), and the window's size now and when it changes. */
function useTerminal(socket: WebSocket, io: Io): () => void {
  const sendSize = () => {
    const { columns, rows } = io.stdout
    if (!columns || !rows || socket.readyState !== socket.OPEN) return
    socket.send(frame(channels.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))))
  }
  io.stdin.setRawMode?.(true)
  io.stdout.on('resize', sendSize)
  sendSize()
  return () => {
    io.stdout.off('resize', sendSize)
    io.stdin.setRawMode?.(false)
  }
}

const frame = (channel: number, payload: Buffer): Buffer => Buffer.concat([Buffer.from([channel]), payload])
