import t from 'tap'
import { buildServiceModel } from '../../../src/network/services/build-model.js'
import { serviceEntries } from '../../../src/network/services/service-entries.js'
import { service, slice } from '../models.js'

const http = { name: 'http', port: 8080, protocol: 'TCP' }
const dns = { name: 'dns', port: 5353, protocol: 'UDP' }
const at = (ip: string, conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean }) => ({
  addresses: [ip],
  conditions
})
const spec = {
  clusterIP: '10.96.0.5',
  ports: [
    { name: 'http', port: 80, nodePort: 30080 },
    { name: 'dns', port: 80, protocol: 'UDP' }
  ]
}
const endpointsOf = (model: ReturnType<typeof buildServiceModel>) =>
  model.ports.map((p) => p.endpoints.map((e) => e.ip))

t.test('slices are merged by port name and protocol, without duplicates', (t) => {
  const model = buildServiceModel(service('web', spec), [
    slice('web', [at('10.0.0.2'), at('10.0.0.1')], [http]),
    slice('web', [at('10.0.0.1'), at('10.0.0.3')], [http, dns]),
    { ...slice('web', [at('fd00::1')], [http]), addressType: 'IPv6' }
  ])
  t.same(endpointsOf(model), [
    ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', '10.0.0.3']
  ])
  t.equal(model.ports[0]?.endpoints[0]?.port, 8080)
  t.end()
})

t.test('terminating endpoints that serve are used only when none is ready', (t) => {
  const leaving = at('10.0.0.1', { ready: false, serving: true, terminating: true })
  const dead = at('10.0.0.2', { ready: false, serving: false, terminating: true })
  const starting = at('10.0.0.3', { ready: false, serving: false, terminating: false })
  const first = buildServiceModel(service('web', spec), [slice('web', [leaving, dead, starting], [http])])
  t.same(endpointsOf(first)[0], ['10.0.0.1'])
  const second = buildServiceModel(service('web', spec), [slice('web', [leaving, at('10.0.0.4')], [http])])
  t.same(endpointsOf(second)[0], ['10.0.0.4'])
  t.end()
})

t.test('names for DNS: ready ones, or all with publishNotReadyAddresses', (t) => {
  const endpoints = [{ ...at('10.0.0.1'), hostname: 'db-0' }, at('10.0.0.2', { ready: false })]
  const headless = { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }
  const slices = [slice('db', endpoints, [http])]
  t.same(
    buildServiceModel(service('db', headless), slices).named.map((n) => n.hostname),
    ['db-0']
  )
  const all = buildServiceModel(service('db', { ...headless, publishNotReadyAddresses: true }), slices)
  t.same(
    all.named.map((n) => n.hostname),
    ['db-0', '10-0-0-2']
  )
  t.equal(all.headless, true)
  t.same(serviceEntries(all, []), [])
  t.end()
})

t.test('entries: cluster address, external addresses, node ports; never a loopback address', (t) => {
  const external = { ...spec, type: 'LoadBalancer', externalIPs: ['192.0.2.1'], sessionAffinity: 'ClientIP' }
  const object = {
    ...service('web', external),
    status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }, { ip: '192.0.2.9' }] } }
  }
  const model = buildServiceModel(object, [slice('web', [at('10.0.0.1')], [http])])
  const entries = serviceEntries(model, ['10.88.0.1'])
  t.same(entries.map((e) => `${e.protocol} ${e.ip}:${String(e.port)} ${String(e.endpoints.length)}`).sort(), [
    'TCP 10.88.0.1:30080 1',
    'TCP 10.96.0.5:80 1',
    'TCP 192.0.2.1:80 1',
    'TCP 192.0.2.9:80 1',
    'UDP 10.96.0.5:80 0',
    'UDP 192.0.2.1:80 0',
    'UDP 192.0.2.9:80 0'
  ])
  t.equal(entries[0]?.affinitySeconds, 10_800)
  t.equal(model.balanced, true)
  t.end()
})

t.test('ExternalName is for DNS and the ingress only', (t) => {
  const model = buildServiceModel(
    service('ext', { type: 'ExternalName', externalName: 'example.org', ports: [{ port: 443 }] }),
    []
  )
  t.same(serviceEntries(model, ['10.88.0.1']), [])
  t.equal(model.externalName, 'example.org')
  t.same(model.ports[0]?.endpoints, [{ ip: 'example.org', port: 443 }])
  t.end()
})
