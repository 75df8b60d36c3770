import t from 'tap'
import { parseResolvConf, resolvConfOf } from '../../src/kubelet/dns.js'
import { hostnameOf, hostsFileOf } from '../../src/kubelet/hosts.js'
import { podObject } from './fixture.js'

const host = parseResolvConf(
  'nameserver 127.0.0.53\nnameserver 8.8.8.8 # public\nsearch corp.example .\noptions edns0 ndots:2\n'
)
const options = { clusterDns: '10.96.0.10', clusterDomain: 'cluster.local', host }

t.test('resolv.conf by policy', async (t) => {
  const of = (spec: object) => resolvConfOf(podObject('web', spec), options)
  const cluster =
    'search default.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n'
  t.equal(of({}), cluster)
  t.equal(of({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), cluster)
  const own = 'search corp.example\nnameserver 8.8.8.8\noptions edns0 ndots:2\n'
  t.equal(of({ dnsPolicy: 'Default' }), own, 'without servers on the loopback')
  t.equal(of({ hostNetwork: true }), own)
  const dnsConfig = {
    nameservers: ['1.1.1.1', '10.96.0.10'],
    searches: ['my.example'],
    options: [{ name: 'ndots', value: '1' }, { name: 'debug' }]
  }
  t.equal(
    of({ dnsPolicy: 'None', dnsConfig }),
    'search my.example\nnameserver 1.1.1.1\nnameserver 10.96.0.10\noptions ndots:1 debug\n'
  )
  t.match(of({ dnsConfig }), 'nameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:1 debug\n')
})

t.test('hosts file', async (t) => {
  const of = (spec: object) =>
    hostsFileOf(podObject('web', spec), {
      podIps: ['10.0.0.9'],
      hostname: 'web',
      clusterDomain: 'cluster.local',
      hostFile: '127.0.0.1 machine\n'
    })
  t.match(of({}), /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/)
  t.match(of({}), '10.0.0.9\tweb\n')
  t.match(of({ subdomain: 'sub' }), '10.0.0.9\tweb.sub.default.svc.cluster.local\tweb\n')
  const hostAliases = [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }]
  t.match(of({ hostAliases }), '\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n')
  t.match(
    of({ hostNetwork: true }),
    /^# Kubernetes-managed hosts file \(host network\)\.\n127\.0\.0\.1 machine\n$/
  )
})

t.test('host name', async (t) => {
  const of = (name: string, spec: object) => hostnameOf(podObject(name, spec), 'cluster.local').inPod
  t.equal(of('web', {}), 'web')
  t.equal(of('x'.repeat(62) + '-yz', {}), 'x'.repeat(62))
  t.equal(of('web', { hostname: 'h', subdomain: 'sub' }), 'h')
  t.equal(of('web', { subdomain: 'sub', setHostnameAsFQDN: true }), 'web.sub.default.svc.cluster.local')
})
