import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { eventually, fetchFrom, root, startCluster } from '../fixtures/cluster.js'
import { run } from '../fixtures/kubectl.js'

/** A pod that answers on TCP 8080 with its name, and echoes UDP on 5353. */
const server = (name: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: echo, one: ${name} } }
spec:
  hostname: ${name}
  subdomain: peers
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: hello:v1
    ports: [{ name: web, containerPort: 8080 }, { name: echo, containerPort: 5353, protocol: UDP }]
    command: [node, -e]
    args:
    - |
      const name = require('os').hostname()
      require('http').createServer((q, r) => r.setHeader('connection', 'close').end(name)).listen(8080)
      const udp = require('dgram').createSocket('udp4')
      udp.on('message', (m, from) => udp.send(name + ' ' + m, from.port, from.address)).bind(5353)
---
`
const service = (name: string, spec: string) =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: ${spec}\n---\n`

const manifests =
  server('a') +
  server('b') +
  service('echo', '{ selector: { app: echo }, ports: [{ name: http, port: 80, targetPort: web }] }') +
  service('udp', '{ selector: { app: echo }, ports: [{ port: 53, targetPort: echo, protocol: UDP }] }') +
  service('peers', '{ clusterIP: None, selector: { app: echo }, ports: [{ name: http, port: 8080 }] }') +
  service(
    'node-port',
    '{ type: NodePort, selector: { app: echo }, ports: [{ port: 80, targetPort: web }] }'
  ) +
  service(
    'balancer',
    '{ type: LoadBalancer, selector: { app: echo }, ports: [{ port: 18099, targetPort: web }] }'
  ) +
  service('nobody', '{ selector: { app: none }, ports: [{ port: 80 }] }') +
  service('outside', '{ type: ExternalName, externalName: echo.default.svc.cluster.local }')

interface ServiceObject {
  spec: { clusterIP?: string; ports: { nodePort?: number }[] }
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }
}

t.test('Services, as pods and this host reach them', { timeout: 240_000 }, async (t) => {
  const cluster = await startCluster(t)
  const applied = await cluster.mk(['apply', '-f', '-', '--wait'], { input: manifests })
  t.equal(applied.code, 0, applied.stderr)
  const get = async (...args: string[]) =>
    JSON.parse((await cluster.mk(['get', ...args, '-o', 'json'])).text) as unknown
  const serviceOf = async (name: string) => (await get('svc', name)) as ServiceObject
  /** Runs a program in pod a; what it prints. */
  const inPod = async (script: string): Promise<string> => {
    const result = await cluster.mk(['exec', 'a', '--', 'node', '-e', script], { timeoutMs: 30_000 })
    if (result.code !== 0) throw new Error(`exit code ${result.code}: ${result.stderr}`)
    return result.text.trim()
  }
  const fetchInPod = (url: string) =>
    inPod(
      `fetch('${url}').then(async (r) => console.log(await r.text()), (e) => console.log('failed', e.cause?.code))`
    )
  const both = async (what: string, ask: () => Promise<string>) => {
    const seen = new Set<string>()
    await eventually(`both pods answer: ${what}`, async () => {
      seen.add(await ask())
      return seen.has('a') && seen.has('b') ? true : undefined
    })
  }

  await t.test('by every DNS name, from a pod', async (t) => {
    for (const name of ['echo', 'echo.default', 'echo.default.svc', 'echo.default.svc.cluster.local']) {
      t.match(await fetchInPod(`http://${name}/`), /^[ab]$/, name)
    }
    await both('the ClusterIP', () => fetchInPod('http://echo/'))
    t.match(await fetchInPod('http://outside/'), /^[ab]$/, 'an ExternalName is a CNAME')
    t.match(
      await inPod(`require('dns').resolve4('no-such.default.svc.cluster.local', (e) => console.log(e.code))`),
      'ENOTFOUND'
    )
  })

  await t.test('headless: the addresses of the pods, and a name for each', async (t) => {
    const pods = (await get('pods', '-l', 'app=echo')) as { items: { status: { podIP: string } }[] }
    const addresses = pods.items.map((pod) => pod.status.podIP).sort()
    const resolve = async (name: string) =>
      JSON.parse(
        await inPod(`require('dns').resolve4('${name}', (e, a) => console.log(JSON.stringify(a ?? e.code)))`)
      ) as string[]
    t.same((await resolve('peers.default.svc.cluster.local')).sort(), addresses)
    t.same(await resolve('b.peers.default.svc.cluster.local'), [addresses[1]])
    t.match(
      await inPod(
        `require('dns').resolveSrv('_http._tcp.peers.default.svc.cluster.local', (e, a) => console.log(JSON.stringify(a ?? e.code)))`
      ),
      /b\.peers\.default\.svc\.cluster\.local/
    )
    t.equal(await fetchInPod('http://b.peers:8080/'), 'b')
  })

  await t.test('UDP', async (t) => {
    const ask = `const s = require('dgram').createSocket('udp4'); s.on('message', (m) => { console.log(String(m)); s.close() }); s.send('hi', 53, 'udp')`
    t.match(await inPod(ask), /^[ab] hi$/)
  })

  await t.test('the API, over TLS with what is mounted into the pod', async (t) => {
    const said = await inPod(`
      const dir = '/var/run/secrets/kubernetes.io/serviceaccount/', read = (f) => require('fs').readFileSync(dir + f, 'utf8')
      require('https').get({ host: 'kubernetes.default.svc', path: '/version', ca: read('ca.crt'),
        headers: { authorization: 'Bearer ' + read('token') } },
        (r) => { console.log(r.statusCode, r.socket.authorized, read('namespace')); r.resume() })`)
    t.equal(said, '200 true default')
    t.match(
      await inPod(`console.log(process.env.KUBERNETES_SERVICE_HOST, process.env.ECHO_SERVICE_PORT ?? '')`),
      /^10\.96\.0\.1\b/
    )
  })

  await t.test('no packet for a ClusterIP leaves this host', async (t) => {
    const { spec } = await serviceOf('echo')
    const address = spec.clusterIP ?? ''
    // Asks the kernel without sending anything.
    const routed = async () => (await run('ip', ['route', 'get', address])).code === 0
    t.equal(await routed(), false, 'this host has no route to it')
    const other = await startCluster(t)
    t.equal((await other.mk(['delete', 'cluster', '--yes'])).code, 0)
    if (await routed())
      throw new Error('another cluster took the route away that keeps ClusterIPs on this host')
    const began = Date.now()
    const code = await new Promise<string>((resolve) => {
      const socket = connect({ host: address, port: 80 })
      socket.on('connect', () => {
        socket.destroy()
        resolve('connected')
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? 'error')
      })
    })
    t.match(code, /^(EHOSTUNREACH|ENETUNREACH)$/)
    t.ok(Date.now() - began < 1500, 'refused at once')
  })

  await t.test('an address without endpoints is refused at once', async (t) => {
    const { spec } = await serviceOf('nobody')
    const refused = async (address: string) => {
      const said = await inPod(
        `const s = Date.now(); require('net').connect(80, '${address}').on('error', (e) => console.log(e.code, Date.now() - s < 1500))`
      )
      t.match(said, /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH) true$/, address)
    }
    await refused(spec.clusterIP ?? '')
    await refused('10.96.255.254')
  })

  await t.test('NodePort and LoadBalancer on the loopback of this host', async (t) => {
    const port = (await serviceOf('node-port')).spec.ports[0]?.nodePort ?? 0
    await both('node port', async () => (await fetchFrom({ port, path: '/' })).body)
    const balancer = await eventually(
      'the load balancer has an address',
      async () => (await serviceOf('balancer')).status?.loadBalancer?.ingress?.[0]
    )
    t.equal(balancer.ip ?? balancer.hostname, '127.0.0.1')
    await both('load balancer', async () => (await fetchFrom({ port: 18_099, path: '/' })).body)
  })

  await t.test('a pod that goes takes no more connections', async (t) => {
    await cluster.mk(['delete', 'pod', 'b', '--force'])
    for (let i = 0; i < 4; i++) t.equal(await fetchInPod('http://echo/'), 'a')
  })
})

t.test('an edited ConfigMap shows in the mounted file', { timeout: 90_000 }, async (t) => {
  const cluster = await startCluster(t)
  const applied = await cluster.mk(['apply', '-f', join(root, 'examples/hello'), '--wait'])
  t.equal(applied.code, 0, applied.stderr)
  const patched = await cluster.kubectl(['patch', 'configmap', 'hello', '-p', '{"data":{"motd":"edited"}}'])
  t.equal(patched.code, 0, patched.stderr)
  await eventually(
    'the app reads the new text',
    async () => {
      const { motd } = JSON.parse((await cluster.fetch('/')).body) as { motd: string }
      return motd === 'edited' ? true : undefined
    },
    10_000
  )
})
