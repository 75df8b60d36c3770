import t from 'tap'
import { parseCidr, parseIpv4 } from '../../../src/base/ip.js'
import { forgetConnections } from '../../../src/network/nft/conntrack.js'
import { encodeChange, encodeTable, entryKey, shapeOf } from '../../../src/network/nft/service-table.js'
import type { ServiceEntry, TableShape } from '../../../src/network/nft/service-table.js'
import { createNamespaces } from './namespaces.js'

const cidr = parseCidr('10.96.0.0/16')
if (!cidr) throw new Error('range')
const addresses = { c: '10.88.0.10', a: '10.88.0.11', b: '10.88.0.12' }
const net = createNamespaces(addresses)
t.teardown(() => net.destroy())

const server = (name: string) => `
  import net from 'node:net'; import dgram from 'node:dgram'
  const tcp = net.createServer((s) => { s.on('error', () => {}); s.end('${name} ' + s.remoteAddress) })
  const udp = dgram.createSocket('udp4', (m, from) => udp.send('${name} ' + from.address, from.port, from.address))
  tcp.listen(8080, '0.0.0.0', () => udp.bind(5353, () => console.log('ready')))`

const askTcp = (ip: string, port: number, times = 1) => `
  import net from 'node:net'
  const ask = () => new Promise((done) => {
    const s = net.connect(${String(port)}, '${ip}'); let text = ''
    s.setTimeout(3000, () => { s.destroy(); done('timeout') })
    s.on('data', (d) => { text += d }).on('end', () => done(text)).on('error', (e) => done(e.code))
  })
  for (let i = 0; i < ${String(times)}; i++) console.log(await ask())`

// One socket per question unless `shared`: a shared one stays with its endpoint through connection tracking.
const askUdp = (ip: string, port: number, times: number, localPort = 0) => `
  import dgram from 'node:dgram'
  const ask = (s) => new Promise((done) => {
    const timer = setTimeout(() => done('timeout'), 1500)
    const finish = (text) => { clearTimeout(timer); done(text) }
    s.once('message', (m) => finish(String(m))); s.once('error', (e) => finish(e.code))
    s.send('x', ${String(port)}, '${ip}', (e) => { if (e) finish(e.code) })
  })
  for (let i = 0; i < ${String(times)}; i++) {
    const s = dgram.createSocket('udp4'); s.on('error', () => {})
    await new Promise((r) => s.bind(${String(localPort)}, r))
    console.log(await ask(s)); s.close()
  }`

const lines = (text: string) => text.trim().split('\n')
const count = (text: string, name: string) => lines(text).filter((line) => line.startsWith(`${name} `)).length

const a = { ip: addresses.a, port: 8080 }
const b = { ip: addresses.b, port: 8080 }
const ua = { ip: addresses.a, port: 5353 }
const ub = { ip: addresses.b, port: 5353 }
const web: ServiceEntry = { ip: '10.96.0.5', protocol: 'TCP', port: 80, endpoints: [a, b] }
const dns: ServiceEntry = { ip: '10.96.0.5', protocol: 'UDP', port: 80, endpoints: [ua] }
const empty: ServiceEntry = { ip: '10.96.0.6', protocol: 'TCP', port: 80, endpoints: [] }
const sticky: ServiceEntry = { ...web, ip: '10.96.0.7', affinitySeconds: 100 }
const nodePort: ServiceEntry = { ip: '10.88.0.1', protocol: 'TCP', port: 30080, endpoints: [] }

let shape: TableShape = shapeOf([])
const full = (entries: ServiceEntry[]) => {
  shape = shapeOf(entries)
  net.apply('c', encodeTable(new Map(entries.map((e) => [entryKey(e), e])), shape, cidr))
}
const change = (before: ServiceEntry[], after: ServiceEntry[]) => {
  const needed = shapeOf(after, shape)
  const batch = encodeChange(before, after, shape, needed)
  shape = needed
  if (batch) net.apply('c', batch)
  return batch
}

t.test('the service table in a pod namespace', async (t) => {
  await net.serve('a', server('a'))
  await net.serve('b', server('b'))
  await net.serve('c', server('c'))
  full([web, dns, empty, sticky, nodePort])

  t.test('spreads connections and keeps the source address', (t) => {
    const answers = net.script('c', askTcp('10.96.0.5', 80, 100))
    t.ok(count(answers, 'a') > 25 && count(answers, 'b') > 25, answers)
    t.ok(lines(answers).every((line) => line.endsWith(addresses.c)))
    t.end()
  })

  t.test('the same port number is TCP and UDP separately', (t) => {
    t.equal(net.script('c', askUdp('10.96.0.5', 80, 3)), `a ${addresses.c}\n`.repeat(3))
    t.end()
  })

  t.test('refuses at once what has no endpoint or is no service', (t) => {
    const started = Date.now()
    t.equal(net.script('c', askTcp('10.96.0.6', 80)), 'ECONNREFUSED\n')
    t.equal(net.script('c', askTcp('10.96.44.4', 1234)), 'ECONNREFUSED\n')
    t.equal(net.script('c', askTcp('10.88.0.1', 30080)), 'ECONNREFUSED\n')
    t.match(net.script('c', askUdp('10.96.44.4', 1234, 1)), /^(EPERM|ECONNREFUSED)\n$/)
    t.ok(Date.now() - started < 3000)
    t.end()
  })

  t.test('session affinity keeps an endpoint as long as it lives', (t) => {
    const first = net.script('c', askTcp('10.96.0.7', 80, 40))
    const [chosen = '', other = ''] = count(first, 'a') > 0 ? ['a', 'b'] : ['b', 'a']
    t.equal(count(first, chosen), 40, first)
    const left = { ...sticky, endpoints: [chosen === 'a' ? b : a] }
    change([sticky], [left])
    t.equal(count(net.script('c', askTcp('10.96.0.7', 80, 10)), other), 10)
    change([left], [sticky])
    t.equal(count(net.script('c', askTcp('10.96.0.7', 80, 10)), other), 10, 'the newer choice is kept')
    const shorter = { ...sticky, affinitySeconds: 5 }
    change([sticky], [shorter])
    const again = net.script('c', askTcp('10.96.0.7', 80, 20))
    t.ok(count(again, 'a') === 20 || count(again, 'b') === 20, 'another time-out')
    change([shorter], [sticky])
    t.end()
  })

  t.test('a pod reaches itself through a service', (t) => {
    const own = { ...empty, endpoints: [{ ip: addresses.c, port: 8080 }] }
    change([empty], [own])
    t.match(net.script('c', askTcp('10.96.0.6', 80)), /^c /)
    change([own], [empty])
    t.equal(net.script('c', askTcp('10.96.0.6', 80)), 'ECONNREFUSED\n')
    t.end()
  })

  t.test('node port addresses are translated too', (t) => {
    const open = { ...nodePort, endpoints: [a] }
    change([nodePort], [open])
    t.match(net.script('c', askTcp('10.88.0.1', 30080)), /^a /)
    change([open], [nodePort])
    t.end()
  })

  t.test('a UDP flow stays with its endpoint until its connection is forgotten', (t) => {
    t.match(net.script('c', askUdp('10.96.0.5', 80, 1, 40000)), /^a /)
    const moved = { ...dns, endpoints: [ub] }
    change([dns], [moved])
    t.match(net.script('c', askUdp('10.96.0.5', 80, 1, 40000)), /^a /)
    net.apply('c', forgetConnections([parseIpv4(addresses.a) ?? 0]))
    t.match(net.script('c', askUdp('10.96.0.5', 80, 1, 40000)), /^b /)
    t.end()
  })

  t.test('changes that do not fit the state are refused as a whole', (t) => {
    t.throws(() => change([{ ...web, ip: '10.96.9.9' }], []), /error 2/)
    t.throws(() => change([], [{ ...web, endpoints: [b, a] }]), /error 17/)
    t.equal(change([web], [web]), undefined)
    t.match(net.script('c', askTcp('10.96.0.5', 80)), /^[ab] /)
    t.end()
  })

  t.test('a thousand services at once, and again over themselves', (t) => {
    const many = Array.from({ length: 1000 }, (_, i): ServiceEntry => {
      const endpoints = [a, b, { ip: '10.88.0.13', port: 80 }]
      return { ip: `10.96.${String(i >> 8)}.${String(i & 255)}`, protocol: 'TCP', port: 81, endpoints }
    })
    full([web, ...many])
    full([web, ...many])
    t.match(net.script('c', askTcp('10.96.0.5', 80)), /^[ab] /)
    t.end()
  })

  t.test('without affinity, nft can list what is in the kernel', (t) => {
    full([web, dns, empty])
    const listing = net.run('c', ['nft', 'list', 'ruleset'])
    t.match(listing, /10\.96\.0\.0\/16/)
    t.match(listing, /reject with tcp reset/)
    t.match(listing, /oif "lo" masquerade/)
    t.match(listing, /10\.96\.0\.5 \. tcp \. 80 \. 0x00000001 : 10\.88\.0\.12 \. 8080/)
    t.end()
  })
})
