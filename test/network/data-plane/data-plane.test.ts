import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import t from 'tap'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import type {
  DataPlaneConfig,
  DataPlaneEvent,
  DataPlanePorts
} from '../../../src/network/data-plane/contract.js'
import { createDataPlane } from '../../../src/network/data-plane/create-data-plane.js'
import { eventually } from '../../fixtures/eventually.js'
import { simpleModel } from '../models.js'

const local = '127.0.0.1'
const config: DataPlaneConfig = {
  clusterDomain: 'cluster.local',
  serviceCidr: '10.96.0.0/16',
  podCidr: '10.88.0.0/16',
  hostIp: '10.88.0.1',
  dnsAddresses: [local],
  dnsPorts: [0],
  dnsOwnAddresses: [],
  hostAddresses: [local],
  httpPorts: [0],
  httpsPorts: [0]
}

// The thread runs the program as it is shipped: bundled, with packages beside it.
const root = fileURLToPath(new URL('../../..', import.meta.url))
const directory = await mkdtemp(join(root, 'node_modules', '.mk-test-'))
t.teardown(() => rm(directory, { recursive: true }))
const outfile = join(directory, 'worker.js')
await build({
  entryPoints: [join(root, 'src/network/data-plane/worker.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error'
})
const workerUrl = pathToFileURL(outfile)

const backend = createServer((request, response) => {
  response.end(`hello ${request.url ?? ''}`)
}).listen(0, local)
await once(backend, 'listening')
t.teardown(() => backend.close())
const { port } = backend.address() as AddressInfo
const update = {
  services: [
    simpleModel('web', [{ ip: local, port }], {
      balanced: true,
      type: 'LoadBalancer',
      ports: [{ name: '', protocol: 'TCP', port: 28_444, nodePort: 0, endpoints: [{ ip: local, port }] }]
    })
  ],
  removed: [],
  ingresses: [
    {
      key: 'default/web',
      createdAt: '',
      tls: [],
      sslRedirect: false,
      defaultBackend: { service: 'default/web', port: 28_444 },
      rules: []
    }
  ]
}

async function ask(at: number): Promise<string> {
  const request = httpRequest({ host: local, port: at, path: '/x', agent: false }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

for (const url of [undefined, workerUrl]) {
  t.test(url ? 'in a thread of its own' : 'in this thread', async (t) => {
    const events: DataPlaneEvent[] = []
    const plane = createDataPlane({
      config,
      workerUrl: url,
      clock: systemClock,
      logger: silentLogger,
      onEvent: (event) => events.push(event),
      onPorts: () => {}
    })
    const ports = await plane.start()
    plane.update(update)
    await eventually(async () => (await ask(ports.http)) === 'hello /x')
    await eventually(() => events.length > 0)
    t.match(events, [{ type: 'balancer', service: 'default/web', address: { ip: local } }])
    plane.update({ services: [], removed: ['default/web'] })
    await eventually(async () => (await ask(ports.http)).startsWith('503'))
    await plane.stop()
    await t.rejects(ask(ports.http))
  })

  t.test('a port that was asked for and is taken fails the start', async (t) => {
    const holder = createTcpServer().listen(0, local)
    await once(holder, 'listening')
    const taken = (holder.address() as AddressInfo).port
    const plane = createDataPlane({
      config: { ...config, httpPorts: [taken] },
      workerUrl: url,
      clock: systemClock,
      logger: silentLogger,
      onEvent: () => {},
      onPorts: () => {}
    })
    await t.rejects(plane.start(), { code: 'MK_PORT_IN_USE', message: /held by .* \(pid \d+\)/ })
    await plane.stop()
    holder.close()
  })
}

t.test('a thread that dies is started again with all it knew, on the same ports', async (t) => {
  const restarts: DataPlanePorts[] = []
  const again = join(directory, 'dying.js')
  await build({
    stdin: {
      contents: `import { parentPort } from 'node:worker_threads'
        import ${JSON.stringify(outfile)}
        parentPort.on('message', (m) => { if (m.update?.removed?.includes('die')) throw new Error('on purpose') })`,
      resolveDir: root
    },
    outfile: again,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error'
  })
  const plane = createDataPlane({
    config,
    workerUrl: pathToFileURL(again),
    clock: systemClock,
    logger: silentLogger,
    onEvent: () => {},
    onPorts: (ports) => restarts.push(ports)
  })
  const ports = await plane.start()
  plane.update(update)
  await eventually(async () => (await ask(ports.http)) === 'hello /x')
  plane.update({ services: [], removed: ['die'] })
  await eventually(() => restarts.length > 0)
  t.same(restarts, [ports])
  await eventually(async () => (await ask(ports.http)) === 'hello /x')
  await plane.stop()
})
