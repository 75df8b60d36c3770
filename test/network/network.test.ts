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

const routeTo = (name: string, port: object) => ({
  metadata: { name, namespace: 'default' },
  spec: {
    rules: [
      {
        host: `${name}.test`,
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port } } }] }
      }
    ]
  }
})

const permutations = <T>(items: readonly T[]): T[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))

t.test('Ingress, Service and slices lead to the backend, whatever comes first', async (t) => {
  const port = await backend('there')
  const names = ['ingress', 'service', 'placeholder', 'slice'] as const
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5))
  await Promise.all(
    permutations(names).map(async (order, i) => {
      const name = `order-${String(i)}`
      const named = { name: 'web', port, protocol: 'TCP' }
      const steps: Record<(typeof names)[number], () => Promise<unknown>> = {
        ingress: () => client.of(ingresses).create(routeTo(name, { name: 'web' })),
        service: () =>
          client.of(services).create({
            metadata: { name, namespace: 'default' },
            spec: { ports: [{ name: 'web', port: 80, targetPort: 'http' }], selector: { app: name } }
          }),
        placeholder: () => {
          const { metadata, ...rest } = sliceOf(name, hostIp, port)
          return client
            .of(endpointSlices)
            .create({ ...rest, metadata: { ...metadata, name: `${name}-0` }, endpoints: [], ports: [] })
        },
        slice: () => client.of(endpointSlices).create({ ...sliceOf(name, hostIp, port), ports: [named] })
      }
      for (const step of order) {
        await steps[step]()
        // Half of them come one by one, half of them in one step.
        if (i % 2 === 0) await settle()
      }
      await eventually(async () => (await fetchText(`${name}.test`)) === '200 there', order.join())
    })
  )
  t.pass('all orders work')
})

t.test(
  'a route follows its Service: deleted and made again, its port renamed, its endpoints gone and back',
  async (t) => {
    const port = await backend('back')
    const key = { name: 'again', namespace: 'default' }
    const make = (portName: string) =>
      client.of(services).create({
        metadata: key,
        spec: { ports: [{ name: portName, port: 80 }], selector: { app: 'again' } }
      })
    const slice = (portName: string, ready: boolean) => ({
      ...sliceOf('again', hostIp, port),
      endpoints: [{ addresses: [hostIp], conditions: { ready } }],
      ports: [{ name: portName, port, protocol: 'TCP' }]
    })
    const sliceKey = { name: 'again-1', namespace: 'default' }
    const answers = (start: string) =>
      eventually(async () => (await fetchText('again.test')).startsWith(start), start)
    await client.of(endpointSlices).create(slice('a', true))
    await make('a')
    await client.of(ingresses).create(routeTo('again', { number: 80 }))
    await answers('200 back')
    await client.of(services).delete(key)
    await make('a')
    await answers('200 back')
    await client.of(endpointSlices).patch(sliceKey, 'merge', slice('a', false))
    await answers('503 503 Service Unavailable: default/again:80 has no endpoint that is ready')
    await client.of(endpointSlices).patch(sliceKey, 'merge', slice('a', true))
    await answers('200 back')
    await client.of(services).patch(key, 'merge', { spec: { ports: [{ name: 'b', port: 80 }] } })
    await answers('503 ')
    await client.of(endpointSlices).patch(sliceKey, 'merge', slice('b', true))
    await answers('200 back')
    t.pass('it does')
  }
)

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
