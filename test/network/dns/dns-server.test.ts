import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode } from 'dns-packet'
import type { DecodedPacket, RecordType } from 'dns-packet'
import t from 'tap'
import { parseCidr } from '../../../src/base/ip.js'
import { createLogger, silentLogger } from '../../../src/base/logger.js'
import { startDnsServer } from '../../../src/network/dns/dns-server.js'
import { Responder } from '../../../src/network/dns/responder.js'
import { frame, takeFrames } from '../../../src/network/dns/tcp-frames.js'
import { Upstream, parseNameservers } from '../../../src/network/dns/upstream.js'
import { Zone } from '../../../src/network/dns/zone.js'
import { buildServiceModel } from '../../../src/network/services/build-model.js'
import { service, slice } from '../models.js'

const range = (text: string) => parseCidr(text) ?? (t.bailout(text) as never)
const zone = new Zone({
  clusterDomain: 'cluster.local',
  serviceCidr: range('10.96.0.0/16'),
  podCidr: range('10.88.0.0/16'),
  hostIp: '10.88.0.1'
})
const http = { name: 'http', port: 8080, protocol: 'TCP' }
const web = { clusterIP: '10.96.0.5', ports: [{ name: 'http', port: 80 }] }
const webModel = buildServiceModel(service('web', web), [
  slice('web', [{ addresses: ['10.88.0.9'] }], [http])
])
zone.set(webModel)
const pods = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    addresses: [`10.88.1.${String(i)}`],
    hostname: `db-${String(i)}`
  }))
const headless = { clusterIP: 'None', ports: [{ name: 'http', port: 8080 }] }
zone.set(buildServiceModel(service('db', headless), [slice('db', pods(2), [http])]))
zone.set(buildServiceModel(service('big', headless), [slice('big', pods(200), [http])]))
zone.set(buildServiceModel(service('none', headless), []))
zone.set(
  buildServiceModel(
    service('alias', { type: 'ExternalName', externalName: 'db.default.svc.cluster.local' }),
    []
  )
)
zone.set(buildServiceModel(service('out', { type: 'ExternalName', externalName: 'example.test' }), []))

// An upstream of our own: answers A questions, over UDP only with "truncated" for big.example.test.
const upstreamDns = createSocket('udp4')
let upstreamSilent = false
upstreamDns.on('message', (query, from) => {
  if (upstreamSilent) return
  const packet = decode(query)
  const name = packet.questions?.[0]?.name ?? ''
  const answer = encode({
    type: 'response',
    id: packet.id ?? 0,
    flags: 0x180,
    questions: packet.questions ?? [],
    answers: [{ type: 'A', name, ttl: 30, data: '192.0.2.7' }]
  })
  upstreamDns.send(answer, from.port, from.address)
})

const setUp = async () => {
  upstreamDns.bind(0, '127.0.0.1')
  await once(upstreamDns, 'listening')
  const dir = await mkdtemp(join(tmpdir(), 'mk-dns-'))
  const resolvConfPath = join(dir, 'resolv.conf')
  await writeFile(resolvConfPath, 'nameserver 10.88.0.1\nnameserver 127.0.0.1\nsearch x\n')
  const port = upstreamDns.address().port
  const logs: string[] = []
  const upstream = new Upstream({
    resolvConfPath,
    port,
    ownAddresses: ['10.88.0.1'],
    timeoutMs: 100,
    logger: createLogger({ write: (line) => logs.push(line) })
  })
  const responder = new Responder({ zone, upstream })
  const server = await startDnsServer({
    responder,
    addresses: ['127.0.0.1'],
    ports: [0],
    podCidr: range('10.88.0.0/16'),
    logger: silentLogger
  })
  t.teardown(async () => {
    upstreamDns.close()
    await server.stop()
    await rm(dir, { recursive: true })
  })
  return { server, responder, logs, resolvConfPath }
}

const { server, responder, logs, resolvConfPath } = await setUp()

async function raw(query: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  socket.send(query, server.port, '127.0.0.1')
  const [answer] = (await once(socket, 'message')) as [Buffer]
  socket.close()
  return answer
}
const questionOf = (name: string, type: RecordType, edns = false) =>
  encode({
    type: 'query',
    id: 4711,
    flags: 0x100,
    questions: [{ name, type }],
    additionals: edns
      ? [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as never]
      : []
  })
// The published types lack the response code.
type Reply = DecodedPacket & { rcode?: string }
const ask = async (name: string, type: RecordType = 'A'): Promise<Reply> =>
  decode(await raw(questionOf(name, type)))
async function askTcp(queries: Buffer[]): Promise<DecodedPacket[]> {
  const socket = connect(server.port, '127.0.0.1')
  socket.write(Buffer.concat(queries.map(frame)))
  let received = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk])
    const { frames } = takeFrames(received)
    if (frames.length === queries.length) return frames.map((f) => decode(f))
  }
  return []
}
const data = (packet: DecodedPacket) => (packet.answers ?? []).map((a) => ('data' in a ? a.data : undefined))

t.test('services', async (t) => {
  const answer = await ask('Web.Default.svc.CLUSTER.local')
  t.match(answer, { id: 4711, flag_aa: true, flag_ra: true, flag_rd: true, rcode: 'NOERROR' })
  t.same(
    answer.answers?.map((a) => a.name),
    ['Web.Default.svc.CLUSTER.local']
  )
  t.same(data(answer), ['10.96.0.5'])
  const v6 = await ask('web.default.svc.cluster.local', 'AAAA')
  t.match(v6, { rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA' }] })
  const missing = await ask('web.default.svc.cluster.local.default.svc.cluster.local')
  t.match(missing, { rcode: 'NXDOMAIN', answers: [], authorities: [{ type: 'SOA', name: 'cluster.local' }] })
  t.equal((await ask('web.other.svc.cluster.local')).rcode, 'NXDOMAIN')
  t.equal((await ask('default.svc.cluster.local')).rcode, 'NOERROR')
  t.same(data(await ask('10-88-0-9.web.default.svc.cluster.local')), ['10.88.0.9'])
})

t.test('headless services, SRV and PTR', async (t) => {
  t.same(data(await ask('db.default.svc.cluster.local')), ['10.88.1.0', '10.88.1.1'])
  t.same(data(await ask('db-1.db.default.svc.cluster.local')), ['10.88.1.1'])
  t.equal((await ask('none.default.svc.cluster.local')).rcode, 'NXDOMAIN')
  const srv = await ask('_http._tcp.db.default.svc.cluster.local', 'SRV')
  t.same(data(srv), [
    { priority: 0, weight: 50, port: 8080, target: 'db-0.db.default.svc.cluster.local' },
    { priority: 0, weight: 50, port: 8080, target: 'db-1.db.default.svc.cluster.local' }
  ])
  t.equal(srv.additionals?.length, 2)
  t.match(data(await ask('_http._tcp.web.default.svc.cluster.local', 'SRV')), [
    { port: 80, target: 'web.default.svc.cluster.local' }
  ])
  t.equal((await ask('_http._udp.web.default.svc.cluster.local', 'SRV')).rcode, 'NXDOMAIN')
  t.same(data(await ask('5.0.96.10.in-addr.arpa', 'PTR')), ['web.default.svc.cluster.local'])
  t.same(data(await ask('1.1.88.10.in-addr.arpa', 'PTR')), [
    'db-1.db.default.svc.cluster.local',
    'db-1.big.default.svc.cluster.local'
  ])
  t.equal((await ask('9.9.88.10.in-addr.arpa', 'PTR')).rcode, 'NXDOMAIN')
})

t.test('pods, the host, the zone itself', async (t) => {
  t.same(data(await ask('10-88-3-4.default.pod.cluster.local')), ['10.88.3.4'])
  t.equal((await ask('nonsense.default.pod.cluster.local')).rcode, 'NXDOMAIN')
  t.same(data(await ask('host.mk.internal')), ['10.88.0.1'])
  t.match(await ask('cluster.local', 'SOA'), { answers: [{ type: 'SOA' }] })
  t.match(await ask('dns-version.cluster.local', 'TXT'), { answers: [{ type: 'TXT' }] })
})

t.test('ExternalName: the chain is followed, inside and outside', async (t) => {
  t.same(data(await ask('alias.default.svc.cluster.local')), [
    'db.default.svc.cluster.local',
    '10.88.1.0',
    '10.88.1.1'
  ])
  t.same(data(await ask('out.default.svc.cluster.local')), ['example.test', '192.0.2.7'])
})

t.test('changes show at once, although answers are cached', async (t) => {
  await ask('web.default.svc.cluster.local')
  zone.set({ ...webModel, clusterIP: '10.96.0.6' })
  responder.clear()
  t.same(data(await ask('web.default.svc.cluster.local')), ['10.96.0.6'])
  zone.delete('default/web')
  responder.clear()
  t.equal((await ask('web.default.svc.cluster.local')).rcode, 'NXDOMAIN')
  zone.set(webModel)
  responder.clear()
})

t.test('large answers: truncated over UDP, whole over TCP', async (t) => {
  const short = await ask('big.default.svc.cluster.local')
  t.match(short, { flag_tc: true, answers: [] })
  const [whole, other] = await askTcp([
    questionOf('big.default.svc.cluster.local', 'A'),
    questionOf('db.default.svc.cluster.local', 'A')
  ])
  t.equal(whole?.answers?.length, 200)
  t.equal(other?.answers?.length, 2)
  const edns = decode(await raw(questionOf('db.default.svc.cluster.local', 'A', true)))
  t.match(edns.additionals, [{ type: 'OPT' }])
})

t.test('malformed queries', async (t) => {
  const header = (flags: number, questions: number) => {
    const query = Buffer.alloc(12)
    query.writeUInt16BE(99, 0)
    query.writeUInt16BE(flags, 2)
    query.writeUInt16BE(questions, 4)
    return query
  }
  t.match(decode(await raw(header(0, 1))), { id: 99, rcode: 'FORMERR' })
  t.match(decode(await raw(header(0, 0))), { rcode: 'FORMERR' })
  t.match(decode(await raw(header(0x2800, 1))), { rcode: 'NOTIMP' })
  const loop = Buffer.concat([header(0, 1), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])])
  t.match(decode(await raw(loop)), { rcode: 'FORMERR' })
  t.equal(responder.respond(header(0x8000, 1), 'udp'), undefined, 'answers are never answered')
  t.equal(responder.respond(Buffer.alloc(5), 'udp'), undefined)
})

t.test("other names are asked of the host's resolvers, as they are now", async (t) => {
  t.same(data(await ask('example.org')), ['192.0.2.7'])
  upstreamSilent = true
  t.equal((await ask('example.org')).rcode, 'SERVFAIL')
  t.match(logs.at(-1), /no DNS server of the host answers.*127\.0\.0\.1/)
  upstreamSilent = false
  t.same(data(await ask('example.org')), ['192.0.2.7'])
  t.same(
    parseNameservers('nameserver 1.2.3.4\n#nameserver 5.6.7.8\nnameserver bad\nnameserver fe80::1%eth0'),
    ['1.2.3.4', 'fe80::1%eth0']
  )
  const none = new Upstream({
    resolvConfPath: `${resolvConfPath}.missing`,
    ownAddresses: [],
    logger: silentLogger
  })
  t.equal(await none.forward(questionOf('example.org', 'A'), 'udp'), undefined)
})
