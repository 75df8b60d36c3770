import t from 'tap'
import type { Service } from '../../../src/api/types.js'
import { createAddressPool, createPortPool } from '../../../src/apiserver/admission/pools.js'
import { parseCidr } from '../../../src/base/ip.js'
import { failure, fixture, sure } from '../support.js'
import type { Fixture } from '../support.js'

const service = (name: string, spec: Record<string, unknown> = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], selector: { a: 'b' }, ...spec }
})
const make = async ({ api, at }: Fixture, name: string, spec = {}) =>
  sure<Service>(await api.create(at('Service', 'default'), service(name, spec))).spec

t.test('addresses: one each, those asked for, none for headless', async (t) => {
  const f = await fixture()
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => make(f, `s${String(i)}`)))
  t.equal(new Set(all.map((spec) => spec.clusterIP)).size, 50)
  t.ok(all.every((spec) => spec.clusterIPs[0] === spec.clusterIP && /^10\.96\./.test(spec.clusterIP)))
  t.equal((await make(f, 'dns', { clusterIP: '10.96.0.10' })).clusterIP, '10.96.0.10')
  const taken = await failure(make(f, 'again', { clusterIP: '10.96.0.10' }))
  t.equal(taken.code, 422)
  t.match(
    taken.message,
    /^Service "again" is invalid: spec.clusterIPs: Invalid value: \["10.96.0.10"\]: failed to allocate IP 10.96.0.10: provided IP is already allocated$/
  )
  t.equal((await failure(make(f, 'far', { clusterIP: '10.1.1.1' }))).code, 422)
  t.same((await make(f, 'headless', { clusterIP: 'None' })).clusterIPs, ['None'])
  t.equal(
    (await make(f, 'name', { type: 'ExternalName', externalName: 'x.example.com', ports: undefined }))
      .clusterIP,
    undefined
  )
  t.equal((await failure(make(f, 'six', { ipFamilies: ['IPv6'] }))).code, 422)
  await f.api.delete(f.at('Service', 'default', 'dns'))
  t.equal(
    (await make(f, 'again', { clusterIP: '10.96.0.10' })).clusterIP,
    '10.96.0.10',
    'what is deleted is free'
  )
})

t.test(
  'updates keep addresses and ports that they leave out, and give back what the type lacks',
  async (t) => {
    const f = await fixture()
    const { api, at } = f
    const first = await make(f, 's', { type: 'NodePort' })
    const put = async (spec: Record<string, unknown>) =>
      sure<Service>(await api.update(at('Service', 'default', 's'), service('s', spec))).spec
    const same = await put({ type: 'NodePort' })
    t.equal(same.clusterIP, first.clusterIP)
    t.equal(same.ports[0]?.nodePort, first.ports[0]?.nodePort)
    const inner = sure<Service>(
      await api.patch(at('Service', 'default', 's'), 'merge', { spec: { type: 'ClusterIP' } })
    ).spec
    t.equal(inner.ports[0]?.nodePort, undefined)
    t.equal(inner.clusterIP, first.clusterIP)
    const named = sure<Service>(
      await api.patch(at('Service', 'default', 's'), 'merge', {
        spec: { type: 'ExternalName', externalName: 'x.example.com' }
      })
    ).spec
    t.equal(named.clusterIP, undefined)
    t.match((await put({})).clusterIP, /^10\.96\./)
  }
)

t.test('node ports: in range, one each, shared by TCP and UDP', async (t) => {
  const f = await fixture()
  const dns = await make(f, 'dns', {
    type: 'NodePort',
    ports: [
      { name: 't', port: 53 },
      { name: 'u', port: 53, protocol: 'UDP' }
    ]
  })
  t.equal(dns.ports[0]?.nodePort, dns.ports[1]?.nodePort)
  t.ok((dns.ports[0]?.nodePort ?? 0) >= 30000 && (dns.ports[0]?.nodePort ?? 0) <= 32767)
  await make(f, 'fixed', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] })
  const taken = await failure(make(f, 'second', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }))
  t.match(taken.message, /spec.ports\[0\].nodePort: Invalid value: 30080: provided port is already allocated/)
  const outside = await failure(make(f, 'out', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }))
  t.match(outside.message, /provided port is not in the valid range. The range of valid ports is 30000-32767/)
  const balanced = await make(f, 'lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
  t.ok(balanced.ports[0]?.nodePort)
  t.ok(balanced.healthCheckNodePort)
  t.not(balanced.healthCheckNodePort, balanced.ports[0]?.nodePort)
})

t.test('pools: pending values are taken until their request is over; a range can be full', async (t) => {
  const pool = createAddressPool(parseCidr('10.0.0.0/28') ?? { base: 0, bits: 28 })
  const done: (() => void)[] = []
  const take = (wanted?: string) => pool.take(new Set(), wanted, (callback) => void done.push(callback))
  const seen = new Set<string>()
  for (let got = take(); 'value' in got; got = take()) seen.add(got.value)
  t.equal(seen.size, 12, 'all but network, broadcast, 1 and 10')
  t.notOk(seen.has('10.0.0.1') || seen.has('10.0.0.10'))
  t.same(take(), { problem: 'range is full' })
  t.same(take('10.0.0.5'), { problem: 'provided IP is already allocated' })
  t.same(take('10.0.0.1'), { value: '10.0.0.1' }, 'who asks for it gets it')
  for (const callback of done) callback()
  t.ok('value' in take('10.0.0.5'))
  t.ok('problem' in take('nonsense'))
  t.match(
    createPortPool().take(new Set(), undefined, () => {}, 'UDP'),
    { value: /^UDP\/3\d{4}$/ }
  )
})
