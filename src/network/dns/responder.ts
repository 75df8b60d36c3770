import { AUTHORITATIVE_ANSWER, RECURSION_AVAILABLE, RECURSION_DESIRED, decode, encode } from 'dns-packet'
import type { Answer, DecodedPacket, Packet } from 'dns-packet'
import type { Upstream } from './upstream.js'
import type { Zone, ZoneAnswer } from './zone.js'

const headerLength = 12
const responseBit = 0x8000
const truncatedBit = 0x0200
const code = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const
const minUdpSize = 512
/** Above this, UDP answers would be cut into fragments (DNS flag day 2020). */
const maxUdpSize = 1232
const maxCached = 10_000

/**
 * Turns queries into answers. Those of the cluster's zone are cached by the bytes of the query (its id left out), so
 * that a question asked again costs no parsing; {@link clear} empties the cache when the zone has changed.
 */
export class Responder {
  readonly #zone: Zone
  readonly #upstream: Pick<Upstream, 'forward'>
  readonly #cache = new Map<string, Buffer>()

  constructor(options: { zone: Zone; upstream: Pick<Upstream, 'forward'> }) {
    this.#zone = options.zone
    this.#upstream = options.upstream
  }

  clear(): void {
    this.#cache.clear()
  }

  /** Undefined: not worth an answer (too short, or an answer itself, which could bounce for ever). */
  respond(query: Buffer, protocol: 'udp' | 'tcp'): Buffer | Promise<Buffer> | undefined {
    if (query.length < headerLength || (query.readUInt16BE(2) & responseBit) !== 0) return undefined
    const key = protocol + query.toString('latin1', 2)
    const cached = this.#cache.get(key)
    if (cached) {
      const answer = Buffer.from(cached)
      query.copy(answer, 0, 0, 2)
      return answer
    }
    return this.#compute(query, protocol, key)
  }

  #compute(query: Buffer, protocol: 'udp' | 'tcp', key: string): Buffer | Promise<Buffer> {
    const opcode = (query.readUInt16BE(2) >> 11) & 0xf
    if (opcode !== 0) return failure(query, code.NOTIMP)
    const packet = tryDecode(query)
    const question = packet?.questions?.[0]
    if (!packet || !question || packet.questions?.length !== 1) return failure(query, code.FORMERR)
    if (question.class !== 'IN') return failure(query, code.REFUSED)
    const local = this.#zone.resolve(question.name, question.type)
    if (!local) return this.#forward(query, protocol)
    if (local.follow !== undefined) return this.#followOutside(query, packet, local, local.follow, protocol)
    const answer = fit(packet, toPacket(packet, local), protocol)
    if (this.#cache.size >= maxCached) this.#cache.clear()
    this.#cache.set(key, answer)
    return answer
  }

  async #forward(query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer> {
    return (await this.#upstream.forward(query, protocol)) ?? failure(query, code.SERVFAIL)
  }

  /** Stub resolvers expect the whole chain: what an ExternalName leads to is asked for and put behind the CNAME. */
  async #followOutside(
    query: Buffer,
    packet: DecodedPacket,
    local: ZoneAnswer,
    target: string,
    protocol: 'udp' | 'tcp'
  ): Promise<Buffer> {
    const type = packet.questions?.[0]?.type ?? 'A'
    const asked = encode({
      type: 'query',
      id: 0,
      flags: RECURSION_DESIRED,
      questions: [{ name: target, type }]
    })
    const short = await this.#upstream.forward(asked, 'udp')
    const cut = short !== undefined && (short.readUInt16BE(2) & truncatedBit) !== 0
    const reply = cut ? await this.#upstream.forward(asked, 'tcp') : short
    const outside = reply && tryDecode(reply)
    const answers = outside?.answers ?? []
    const response = toPacket(packet, local)
    return fit(packet, { ...response, answers: [...(response.answers ?? []), ...answers] }, protocol)
  }
}

// dns-packet throws on anything malformed.
function tryDecode(message: Buffer): DecodedPacket | undefined {
  try {
    return decode(message)
  } catch {
    return undefined
  }
}

/** Echoes the header and nothing of the question, which may be what is wrong. */
function failure(query: Buffer, rcode: number): Buffer {
  const answer = Buffer.alloc(headerLength)
  query.copy(answer, 0, 0, 2)
  const keep = query.readUInt16BE(2) & 0x7900 // opcode, recursion desired
  answer.writeUInt16BE(responseBit | keep | RECURSION_AVAILABLE | rcode, 2)
  return answer
}

function toPacket(query: DecodedPacket, local: ZoneAnswer): Packet {
  const desired = query.flag_rd ? RECURSION_DESIRED : 0
  const option = (query.additionals ?? []).find((record) => record.type === 'OPT')
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: maxUdpSize,
    flags: 0,
    options: []
  } as unknown as Answer
  return {
    type: 'response',
    ...(query.id === undefined ? {} : { id: query.id }),
    flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | desired | code[local.code],
    questions: query.questions ?? [],
    answers: local.answers,
    authorities: local.authorities,
    additionals: [...(local.additionals as Answer[]), ...(option ? [opt] : [])]
  }
}

/** Over UDP, what does not fit is left out and the client told to ask again over TCP. */
function fit(query: DecodedPacket, response: Packet, protocol: 'udp' | 'tcp'): Buffer {
  const whole = encode(response)
  if (protocol === 'tcp') return whole
  const option = (query.additionals ?? []).find((record) => record.type === 'OPT')
  const announced = option?.type === 'OPT' ? option.udpPayloadSize : minUdpSize
  const limit = Math.min(Math.max(announced, minUdpSize), maxUdpSize)
  if (whole.length <= limit) return whole
  const short = encode({
    ...response,
    answers: [],
    authorities: [],
    additionals: option ? (response.additionals ?? []).slice(-1) : []
  })
  short.writeUInt16BE(short.readUInt16BE(2) | truncatedBit, 2)
  return short
}
