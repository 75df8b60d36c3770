import type { Duplex } from 'node:stream'
import { Backoff } from '../../base/backoff.js'
import type { Clock } from '../../base/clock.js'
import { isMkError, messageOf, MkError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { parseCidr } from '../../base/ip.js'
import { createAgentContainer } from './agent-container.js'
import { agentPath } from './agent-image.js'
import { AgentStream } from './agent-stream.js'
import {
  FrameReader,
  frameHeader,
  frameType,
  protocolVersion,
  str,
  strings,
  u16,
  u32,
  u8,
  type Frame
} from './agent-protocol.js'
import { FrameSplitter } from './demux.js'
import { removeContainer } from './container-lifecycle.js'
import type { Engine } from './engine.js'

const requestTimeoutMs = 30_000

export interface AgentCommand {
  pid: number
  user: string
  workingDirectory: string
  groups: readonly number[]
  command: readonly string[]
  env: readonly string[]
  timeoutMs: number
}

export interface NetlinkFailure {
  pid: number
  errno: number
  sequence: number
  message: string
}

type Handler = (frame: Frame | MkError) => void

/**
 * mk's helper container on the engine (src/agent), fed over its attached stdin. Requests are multiplexed; when it dies
 * all of them fail with MK_AGENT_FAILED and the next request starts it anew.
 */
export class Agent {
  readonly #options: {
    engine: Engine
    cluster: string
    image: () => Promise<string>
    clock: Clock
    logger: Logger
  }
  readonly #handlers = new Map<number, Handler>()
  readonly #backoff = new Backoff({ baseMs: 50, maxMs: 10_000 })
  #connection: Promise<Duplex> | undefined
  #nextId = 1
  #stopped = true

  constructor(options: {
    engine: Engine
    cluster: string
    image: () => Promise<string>
    clock: Clock
    logger: Logger
  }) {
    this.#options = options
  }

  get #name(): string {
    return `mk_${this.#options.cluster}_agent`
  }

  /** Starts it, in place of one that an earlier daemon left. */
  async start(): Promise<void> {
    this.#stopped = false
    await this.#connect()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const connection = await this.#connection?.catch(() => undefined)
    connection?.destroy()
    await removeContainer(this.#options.engine, this.#name)
  }

  /** Resolves when the pause process has plumbed itself; fails when it has ended instead. */
  async waitReady(pid: number, timeoutMs: number): Promise<void> {
    await this.#request(frameType.waitReady, [u32(pid), u32(timeoutMs)], timeoutMs + requestTimeoutMs)
  }

  /** Sends a netlink batch (NETLINK_NETFILTER) in the network namespaces of these processes; gives what failed. */
  async netlink(pids: readonly number[], batch: Buffer): Promise<NetlinkFailure[]> {
    const answer = await this.#request(frameType.netlink, [u32(pids.length), ...pids.map(u32), batch])
    const failures: NetlinkFailure[] = []
    for (let at = 0; at < answer.length;) {
      const length = answer.readUInt16BE(at + 12)
      failures.push({
        pid: answer.readUInt32BE(at),
        errno: answer.readUInt32BE(at + 4),
        sequence: answer.readUInt32BE(at + 8),
        message: answer.toString('utf8', at + 14, at + 14 + length)
      })
      at += 14 + length
    }
    return failures
  }

  /** The process is gone or will be: its namespace is let go of. */
  async forget(pid: number): Promise<void> {
    await this.#request(frameType.forget, [u32(pid)])
  }

  async dial(pid: number, port: number): Promise<Duplex> {
    const id = this.#allocateId()
    const connection = await this.#connect()
    await this.#exchange(connection, id, frameType.dial, [u32(pid), u16(port)], requestTimeoutMs, true)
    const stream = new AgentStream({
      send: (type, payload) => {
        if (!connection.destroyed) this.#write(connection, id, type, [payload])
      },
      onGone: () => this.#handlers.delete(id)
    })
    const early = this.#early.get(id)
    this.#early.delete(id)
    this.#handlers.set(id, (frame) => {
      if (frame instanceof MkError) stream.destroy(frame)
      else stream.receive(frame)
    })
    for (const frame of early ?? []) stream.receive(frame)
    return stream
  }

  /** Runs a command in the container whose process 1 is `pid`. */
  async exec(command: AgentCommand): Promise<{ exitCode: number; output: string; timedOut: boolean }> {
    const answer = await this.#request(
      frameType.exec,
      [
        u32(command.pid),
        u32(command.timeoutMs),
        str(command.user),
        str(command.workingDirectory),
        u16(command.groups.length),
        ...command.groups.map(u32),
        strings(command.command),
        strings(command.env)
      ],
      command.timeoutMs + requestTimeoutMs
    )
    return {
      exitCode: answer.readInt32BE(0),
      timedOut: answer.readUInt8(4) === 1,
      output: answer.toString('utf8', 5)
    }
  }

  /** Makes a range unreachable from the engine's host (add), or takes that away again. Idempotent. */
  async unreachableRoute(action: 'add' | 'remove', cidr: string): Promise<void> {
    const range = parseCidr(cidr)
    if (!range) throw new MkError('MK_INPUT', `${JSON.stringify(cidr)} is no IPv4 range`)
    await this.#request(frameType.route, [u8(action === 'add' ? 1 : 0), u32(range.base), u8(range.bits)])
  }

  async setHostname(pid: number, hostname: string): Promise<void> {
    await this.#request(frameType.setHostname, [u32(pid), str(hostname)])
  }

  /** Deletes a directory of the engine's host, whoever owns what is in it. */
  async removeTree(path: string): Promise<void> {
    await this.#request(frameType.removeTree, [str(path)], 120_000)
  }

  /**
   * Gives the next container that starts in the sandbox's network namespace this host name before its command's first
   * instruction. The outer promise says that the agent watches, `named` whether it has seen and named one.
   */
  async nameNext(
    pid: number,
    hostname: string,
    timeoutMs: number
  ): Promise<{ named: Promise<boolean>; cancel: () => void }> {
    const id = this.#allocateId()
    const connection = await this.#connect()
    await this.#exchange(
      connection,
      id,
      frameType.nameNext,
      [u32(pid), u32(timeoutMs), str(hostname)],
      requestTimeoutMs,
      true
    )
    const early = this.#early.get(id)?.[0]
    this.#early.delete(id)
    const named = new Promise<boolean>((resolve) => {
      const settle: Handler = (frame) => {
        this.#handlers.delete(id)
        resolve(!(frame instanceof MkError) && frame.payload[0] === 1)
      }
      if (early) settle(early)
      else this.#handlers.set(id, settle)
    })
    const cancel = () => {
      if (this.#handlers.has(id) && !connection.destroyed) this.#write(connection, id, frameType.close, [])
    }
    return { named, cancel }
  }

  /** Frames of a stream that came between its REPLY_OK and the awaiting code's turn. */
  readonly #early = new Map<number, Frame[]>()

  async #request(type: number, payload: readonly Buffer[], timeoutMs = requestTimeoutMs): Promise<Buffer> {
    const connection = await this.#connect()
    return await this.#exchange(connection, this.#allocateId(), type, payload, timeoutMs, false)
  }

  #allocateId(): number {
    this.#nextId = this.#nextId >= 0x7fffffff ? 1 : this.#nextId + 1
    return this.#nextId
  }

  #exchange(
    connection: Duplex,
    id: number,
    type: number,
    payload: readonly Buffer[],
    timeoutMs: number,
    more: boolean
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(timeoutMs, () => {
        this.#handlers.delete(id)
        reject(
          new MkError(
            'MK_AGENT_FAILED',
            `the agent did not answer request ${String(type)} in ${String(timeoutMs / 1000)} s`
          )
        )
      })
      this.#handlers.set(id, (frame) => {
        cancel()
        if (more && !(frame instanceof MkError) && frame.type === frameType.ok) {
          const early: Frame[] = []
          this.#early.set(id, early)
          this.#handlers.set(id, (next) => {
            if (!(next instanceof MkError)) early.push(next)
          })
        } else {
          this.#handlers.delete(id)
        }
        if (frame instanceof MkError) reject(frame)
        else if (frame.type === frameType.ok) resolve(frame.payload)
        else reject(agentError(frame.payload))
      })
      this.#write(connection, id, type, payload)
    })
  }

  #write(connection: Duplex, id: number, type: number, payload: readonly Buffer[]): void {
    const length = payload.reduce((sum, part) => sum + part.length, 0)
    connection.cork()
    connection.write(frameHeader(id, type, length))
    for (const part of payload) if (part.length > 0) connection.write(part)
    connection.uncork()
  }

  #connect(): Promise<Duplex> {
    if (this.#stopped) return Promise.reject(new MkError('MK_AGENT_FAILED', 'the agent is stopped'))
    this.#connection ??= this.#launch().catch((error: unknown) => {
      this.#connection = undefined
      throw error
    })
    return this.#connection
  }

  /**
   * The lowest OOM score that the engine can give. One without SYS_RESOURCE (nested, rootless) can't lower scores, and
   * fails to start what asks for it.
   */
  get oomScoreFloor(): number {
    return this.#oomScoreFloor
  }

  #oomScoreFloor = 0

  async #launch(): Promise<Duplex> {
    const waitMs = this.#backoff.failures('') > 0 ? this.#backoff.next('') : 0
    if (waitMs > 0) await new Promise<void>((resolve) => this.#options.clock.after(waitMs, resolve))
    else this.#backoff.next('')
    const { engine, cluster, image, logger } = this.#options
    await removeContainer(this.#options.engine, this.#name)
    const container = await createAgentContainer(engine, { name: this.#name, image: await image(), cluster })
    const connection = (await engine.call('attach to the agent', () =>
      container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })
    )) as Duplex
    const splitter = new FrameSplitter()
    const reader = new FrameReader()
    let complaint = ''
    connection.on('data', (chunk: Buffer) => {
      splitter.push(chunk, (stream, data) => {
        if (stream === 2) complaint = (complaint + data.toString()).slice(-2000)
        else reader.push(data, (frame) => this.#handlers.get(frame.id)?.(frame))
      })
    })
    connection.on('error', (error) => {
      logger.debug('agent connection', { error })
    })
    connection.on('close', () => {
      this.#lost(connection, complaint)
    })
    connection.on('end', () => connection.destroy())
    this.#latest = connection
    try {
      await engine.call('start the agent', (abortSignal) => container.start({ abortSignal }))
      const version = await this.#exchange(
        connection,
        this.#allocateId(),
        frameType.ping,
        [],
        requestTimeoutMs,
        false
      )
      if (version.readUInt32BE(0) !== protocolVersion)
        throw new MkError('MK_AGENT_FAILED', 'the agent speaks another version')
      this.#oomScoreFloor = version.readUInt8(4) === 1 ? -1000 : 0
    } catch (error) {
      connection.destroy()
      if (isMkError(error, 'MK_AGENT_FAILED')) throw error
      throw new MkError('MK_AGENT_FAILED', `the agent ${agentPath} did not start: ${messageOf(error)}`, {
        hint: 'mk needs an engine that allows the capabilities SYS_ADMIN, NET_ADMIN and SYS_PTRACE',
        cause: error
      })
    }
    this.#backoff.reset('')
    this.#live = connection
    return connection
  }

  /** The connection that requests in flight use. */
  #latest: Duplex | undefined
  /** The one that has answered: only its end means that the agent must be started anew. */
  #live: Duplex | undefined

  #lost(connection: Duplex, complaint: string): void {
    if (connection !== this.#latest) return
    this.#latest = undefined
    const error = new MkError('MK_AGENT_FAILED', `the agent ended${complaint ? `: ${complaint.trim()}` : ''}`)
    const handlers = [...this.#handlers.values()]
    this.#handlers.clear()
    for (const handler of handlers) handler(error)
    if (connection !== this.#live) return
    this.#live = undefined
    this.#connection = undefined
    if (this.#stopped) return
    this.#options.logger.warn('the agent ended; it is started again when needed', { error })
  }
}

function agentError(payload: Buffer): MkError {
  return new MkError('MK_AGENT_FAILED', payload.toString('utf8', 4), {
    cause: { errno: payload.readUInt32BE(0) }
  })
}

/** The errno of a request that the agent answered with an error. */
export function agentErrno(error: unknown): number | undefined {
  if (!isMkError(error, 'MK_AGENT_FAILED')) return undefined
  return (error.cause as { errno?: number } | undefined)?.errno
}
