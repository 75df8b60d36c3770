import { createSocket } from 'node:dgram'
import { readFile, stat } from 'node:fs/promises'
import { connect, isIP } from 'node:net'
import { randomInt } from 'node:crypto'
import type { Logger } from '../../base/logger.js'
import { messageOf } from '../../base/errors.js'
import { frame, takeFrames } from './tcp-frames.js'

export interface UpstreamOptions {
  /** Default `/etc/resolv.conf`. */
  resolvConfPath?: string | undefined
  /** Addresses that must not be asked, because they lead back here. */
  ownAddresses: readonly string[]
  /** For each try. Default 2000; every server is tried twice at most. */
  timeoutMs?: number | undefined
  /** Default 53. */
  port?: number | undefined
  logger: Logger
}

const checkEveryMs = 1000
const maxInFlight = 1000
const defaultPath = '/etc/resolv.conf'

/**
 * Asks the host's own resolvers, as /etc/resolv.conf names them at that moment: it may change with every VPN and
 * network. Without any server, or when none answers, the result is undefined (SERVFAIL), and the log says why.
 */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #logger: Logger
  #servers: string[] = []
  #version = ''
  #checkedAt = -Infinity
  #loggedAt = -Infinity
  #inFlight = 0

  constructor(options: UpstreamOptions) {
    this.#options = options
    this.#logger = options.logger
  }

  /** Sends the query as it is (with an id of its own) and returns the answer with the query's id. */
  async forward(query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const servers = await this.#current()
    if (servers.length === 0) {
      this.#complain('no DNS server of the host to ask', {
        file: this.#options.resolvConfPath ?? defaultPath
      })
      return undefined
    }
    if (this.#inFlight >= maxInFlight) {
      this.#complain('too many DNS queries under way', { limit: maxInFlight })
      return undefined
    }
    this.#inFlight++
    try {
      return await this.#tryAll(query, protocol, servers)
    } finally {
      this.#inFlight--
    }
  }

  async #tryAll(
    query: Buffer,
    protocol: 'udp' | 'tcp',
    servers: readonly string[]
  ): Promise<Buffer | undefined> {
    const sent = Buffer.from(query)
    const failures: Record<string, string> = {}
    for (const server of [...servers, ...servers]) {
      sent.writeUInt16BE(randomInt(0x10000), 0)
      try {
        const ask = protocol === 'udp' ? askUdp : askTcp
        const { timeoutMs = 2000, port = 53 } = this.#options
        const answer = await ask({ server, port, query: sent, timeoutMs })
        query.copy(answer, 0, 0, 2)
        return answer
      } catch (error) {
        failures[server] = messageOf(error)
      }
    }
    this.#complain('no DNS server of the host answers', { servers: failures })
    return undefined
  }

  async #current(): Promise<readonly string[]> {
    const now = performance.now()
    if (now - this.#checkedAt < checkEveryMs) return this.#servers
    this.#checkedAt = now
    const path = this.#options.resolvConfPath ?? defaultPath
    try {
      const { mtimeMs, ino, size } = await stat(path)
      const version = `${String(mtimeMs)} ${String(ino)} ${String(size)}`
      if (version === this.#version) return this.#servers
      this.#servers = parseNameservers(await readFile(path, 'utf8')).filter(
        (server) => !this.#options.ownAddresses.includes(server)
      )
      this.#version = version
    } catch (error) {
      this.#servers = []
      this.#version = ''
      this.#complain('the list of DNS servers can not be read', { file: path, error })
    }
    return this.#servers
  }

  #complain(message: string, fields: Record<string, unknown>): void {
    const now = performance.now()
    if (now - this.#loggedAt < 10_000) return
    this.#loggedAt = now
    this.#logger.warn(message, fields)
  }
}

/** The first three nameservers, as the C library takes them. */
export function parseNameservers(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((server) => isIP(server.replace(/%.*$/, '')) !== 0)
    .slice(0, 3)
}

interface Question {
  server: string
  port: number
  query: Buffer
  timeoutMs: number
}

/** Does it answer this very question? Compares id, the response bit and, when there, the question's bytes. */
function isAnswerTo(query: Buffer, answer: Buffer): boolean {
  if (answer.length < 12 || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  if (((answer[2] ?? 0) & 0x80) === 0) return false
  if (answer.readUInt16BE(4) === 0) return true
  const end = endOfQuestion(query)
  return (
    answer.subarray(12, end).toString('latin1').toLowerCase() ===
    query.subarray(12, end).toString('latin1').toLowerCase()
  )
}

function endOfQuestion(query: Buffer): number {
  let at = 12
  while (at < query.length && query[at] !== 0) at += (query[at] ?? 0) + 1
  return Math.min(at + 5, query.length)
}

// A socket of its own for each question: answers come from the asked server only, to an unguessable port.
function askUdp({ server, port, query, timeoutMs }: Question): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4')
    let settled = false
    const settle = (result: Buffer | Error) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      socket.close()
      if (Buffer.isBuffer(result)) resolve(result)
      else reject(result)
    }
    const timer = setTimeout(() => {
      settle(new Error(`no answer in ${String(timeoutMs)} ms`))
    }, timeoutMs)
    socket.on('error', settle)
    socket.on('message', (answer) => {
      if (isAnswerTo(query, answer)) settle(answer)
    })
    // A failure to connect comes here, too.
    socket.connect(port, server, (error?: Error) => {
      if (error) settle(error)
      else if (!settled) socket.send(query)
    })
  })
}

function askTcp({ server, port, query, timeoutMs }: Question): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server, port })
    let received = Buffer.alloc(0)
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer in ${String(timeoutMs)} ms`)))
    socket.on('connect', () => socket.write(frame(query)))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const { frames } = takeFrames(received)
      const answer = frames.find((candidate) => isAnswerTo(query, candidate))
      if (!answer) return
      resolve(Buffer.from(answer))
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      reject(new Error('the connection was closed without an answer'))
    })
  })
}
