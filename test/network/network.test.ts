import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { decode, encode } from 'dns-packet'
import t from 'tap'
import { endpointSlices } from '../../src/api/kinds/endpoint-slices.js'
import { events } from '../../src/api/kinds/events.js'
import { ingressClasses } from '../../src/api/kinds/ingress-classes.js'
import { ingresses } from '../../src/api/kinds/ingresses.js'
import { namespaces } from '../../src/api/kinds/namespaces.js'
import { services } from '../../src/api/kinds/services.js'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import { createClient } from '../../src/client/client.js'
import { createInformerFactory } from '../../src/client/informer-factory.js'
import { createNetwork } from '../../src/network/network.js'
import type { RuntimeNetwork } from '../../src/runtime/runtime.js'
import { fixture } from '../apiserver/support.js'
import { eventually } from '../fixtures/eventually.js'

const local = '127.0.0.1'
// Endpoints may not be loopback addresses: this machine's own address stands for the bridge's and the pods'.
const [own] = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .filter((i) => i.family === 'IPv4' && !i.internal)
if (!own) throw new Error('this test needs a network interface besides loopback')
const hostIp = own.address

async function setUp() {
  const { api, store } = await fixture({ clock: systemClock })
  const client = createClient(api)
  await client.of(namespaces).create({ metadata: { name: 'kube-system' }, spec: {} })
  const informers = createInformerFactory({ client, logger: silentLogger, clock: systemClock })
  const batches: { ids: readonly string[]; batch: Buffer }[] = []
  const network: RuntimeNetwork = {
    podCidr: `${hostIp}/32`,
    gateway: hostIp,
    applyNetfilter: (ids, batch) => {
      batches.push({ ids, batch })
      return Promise.resolve([])
    },
    applyConntrack: () => Promise.resolve(),
    onSandbox: () => {},
    sandboxIds: () => ['s1']
  }
  const subject = createNetwork({
    client,
    informers,
    runtime: { network },
    clock: systemClock,
    logger: silentLogger,
    clusterDomain: 'cluster.local',
    serviceCidr: '10.96.0.0/16',
    dnsServiceIp: '10.96.0.10',
    listen: local,
    httpPort: 0,
    httpsPort: 0
  })
  informers.start()
  await subject.start()
  t.teardown(async () => {
    await subject.stop()
    informers.stop()
    await store.close()
  })
  return { client, subject, batches }
}

const { client, subject, batches } = await setUp()

async function backend(text: string): Promise<number> {
  const server = createServer((_, response) => response.end(text)).listen(0, hostIp)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function fetchText(host: string, port = subject.ingress()?.http ?? 0): Promise<string> {
  const request = httpRequest({ host: local, port, headers: { host }, agent: false }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = `${String(response.statusCode)} `
  for await (const chunk of response) text += String(chunk)
  return text
}

async function resolve(name: string): Promise<unknown[]> {
  const slice = await client.of(endpointSlices).get({ namespace: 'kube-system', name: 'kube-dns-mk' })
  const socket = createSocket('udp4')
  socket.send(
    encode({ type: 'query', id: 1, questions: [{ name, type: 'A' }] }),
    slice.ports?.[0]?.port ?? 0,
    hostIp
  )
  const [answer] = (await once(socket, 'message')) as [Buffer]
  socket.close()
  return (decode(answer).answers ?? []).map((a) => ('data' in a ? a.data : undefined))
}

const sliceOf = (name: string, ip: string, port: number) => ({
  metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: [{ addresses: [ip], conditions: { ready: true } }],
  ports: [{ name: '', port, protocol: 'TCP' }]
})

t.test('what mk itself is known by', async (t) => {
  const dns = await client.of(services).get({ namespace: 'kube-system', name: 'kube-dns' })
  t.equal(dns.spec.clusterIP, '10.96.0.10')
  t.equal((await client.of(ingressClasses).get({ name: 'mk' })).spec.controller, 'mk.dev/ingress')
  await eventually(async () => (await resolve('kube-dns.kube-system.svc.cluster.local'))[0] === '10.96.0.10')
  t.same(batches[0]?.ids, ['s1'])
})

t.test('from Service, slice and Ingress to an answer', async (t) => {
  const port = await backend('hello')
  const before = batches.length
  const spec = { ports: [{ port: 80, targetPort: 8080 }], selector: { app: 'hello' } }
  const service = await client
    .of(services)
    .create({ metadata: { name: 'hello', namespace: 'default' }, spec })
  await eventually(
    async () => (await resolve('hello.default.svc.cluster.local'))[0] === service.spec.clusterIP
  )
  await client.of(ingresses).create({
    metadata: {
      name: 'hello',
      namespace: 'default',
      annotations: { 'nginx.ingress.kubernetes.io/rewrite-target': '/' }
    },
    spec: {
      rules: [
        {
          host: 'hello.test',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'hello', port: { number: 80 } } } }
            ]
          }
        }
      ]
    }
  })
  await eventually(async () => (await fetchText('hello.test')).startsWith('503 '))
  await client.of(endpointSlices).create(sliceOf('hello', hostIp, port))
  await eventually(async () => (await fetchText('hello.test')) === '200 hello')
  t.ok(batches.length > before)
  await eventually(async () => {
    const { status } = await client.of(ingresses).get({ namespace: 'default', name: 'hello' })
    return status?.loadBalancer?.ingress?.[0]?.ip === local
  })
  await eventually(async () => {
    const { items } = await client.of(events).list({ namespace: 'default' })
    return items.some((e) => e.reason === 'AnnotationsIgnored' && e.message?.includes('rewrite-target'))
  })
})

t.test('a load balancer gets an address, and loses it with its type', async (t) => {
  const key = { namespace: 'default', name: 'lb' }
  const spec = { type: 'LoadBalancer', ports: [{ port: 28_765 }] }
  await client.of(services).create({ metadata: key, spec })
  await eventually(
    async () => (await client.of(services).get(key)).status?.loadBalancer?.ingress?.[0]?.ip === local
  )
  await client.of(services).patch(key, 'merge', { spec: { type: 'ClusterIP' } })
  await eventually(
    async () => (await client.of(services).get(key)).status?.loadBalancer?.ingress === undefined
  )
  t.same(subject.notices(), [])
})

t.test('an Ingress of a class that is not served says so', async () => {
  await client.of(ingresses).create({
    metadata: { name: 'other', namespace: 'default' },
    spec: { ingressClassName: 'nginx', defaultBackend: { service: { name: 'hello', port: { number: 80 } } } }
  })
  await eventually(async () => {
    const { items } = await client.of(events).list({ namespace: 'default' })
    return items.some((e) => e.reason === 'NotServed' && e.message?.includes('its class is nginx'))
  })
})
