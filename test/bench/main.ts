// npm run bench: mk against docker-compose and docker run, paired in one run. Prints a table, writes .bench/<time>.json.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { HttpsClient } from '../../src/client/https.js'
import { endpointOf } from '../../src/cli/session.js'
import { root, startCluster } from '../fixtures/cluster.js'
import type { TestCluster } from '../fixtures/cluster.js'
import { docker } from '../fixtures/docker.js'
import { run } from '../fixtures/kubectl.js'
import { median, paired, printTable, processUsage, timed } from './measure.js'
import type { Figure } from './measure.js'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const replicas = 20
const image = 'mk-bench-sleep:local'
const network = 'mk-bench'

/** A static program that sleeps, as an image made without a registry. */
async function buildImage(folder: string): Promise<void> {
  const tar = await run('tar', ['-C', '/', '-c', 'bin/busybox'])
  if (tar.code !== 0) throw new Error('the benchmark needs /bin/busybox (Debian: busybox-static)')
  const imported = await run(
    'docker',
    ['import', '-c', 'ENTRYPOINT ["/bin/busybox","sleep"]', '-c', 'CMD ["100000"]', '-', image],
    { input: tar.stdout }
  )
  if (imported.code !== 0) throw new Error(`docker import: ${imported.stderr}`)
  writeFileSync(
    join(folder, 'docker-compose.yml'),
    `version: "2.4"\nservices:\n  app:\n    image: ${image}\n    scale: ${replicas}\n    stop_grace_period: 0s\n`
  )
}

const deployment = (name: string, count: number) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${count}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{ name: app, image: "${image}", imagePullPolicy: IfNotPresent }]
`

async function podsOf(client: HttpsClient, name: string): Promise<{ status?: { phase?: string } }[]> {
  const list = await client.json<{ items: { status?: { phase?: string } }[] }>({
    path: '/api/v1/namespaces/default/pods',
    query: { labelSelector: `app=${name}` }
  })
  return list.body.items
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 120_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('gave up after 120 s')
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}

async function apply(cluster: TestCluster, name: string, count: number): Promise<void> {
  const result = await cluster.mk(['apply', '-f', '-'], { input: deployment(name, count) })
  if (result.code !== 0) throw new Error(result.stderr)
}

const running = (client: HttpsClient, name: string, count: number) =>
  until(async () => {
    const pods = await podsOf(client, name)
    return pods.length === count && pods.every((pod) => pod.status?.phase === 'Running')
  })

/** Until the engine has none of its containers: without a grace period the API forgets pods before that. */
async function removeDeployment(cluster: TestCluster, name: string): Promise<void> {
  await cluster.mk(['delete', 'deployment', name])
  await until(async () => (await docker('ps', '-aq', '--filter', `name=_default_${name}-`)) === '')
}

/** Lets what an earlier step left to do (pool refills, removals) come to rest. */
async function settle(cluster: TestCluster): Promise<void> {
  const { pid } = await cluster.status()
  await until(async () => {
    const before = processUsage(pid).cpuSeconds
    await new Promise((resolve) => {
      setTimeout(resolve, 1000)
    })
    return processUsage(pid).cpuSeconds - before < 0.03
  })
}

const composeArgs = (folder: string) => ['-p', 'mk-bench', '-f', join(folder, 'docker-compose.yml')]
async function compose(folder: string, ...args: string[]): Promise<void> {
  const result = await run('docker-compose', [...composeArgs(folder), ...args], { timeoutMs: 300_000 })
  if (result.code !== 0) throw new Error(`docker-compose ${args.join(' ')}: ${result.stderr}`)
}

const runOne = (name: string) => docker('run', '-d', '--network', network, '--name', name, image)
const names = Array.from({ length: replicas }, (_, i) => `mk-bench-${i}`)

async function measure(cluster: TestCluster, client: HttpsClient, folder: string): Promise<Figure[]> {
  const figures: Figure[] = []
  const removals: { mk: number[]; docker: number[] } = { mk: [], docker: [] }
  figures.push(
    ...(await paired({
      name: `${replicas} replicas, apply to all Running`,
      rounds,
      mk: async () => {
        await settle(cluster)
        const ms = await timed(async () => {
          await apply(cluster, 'many', replicas)
          await running(client, 'many', replicas)
        })
        removals.mk.push(await timed(() => removeDeployment(cluster, 'many')))
        await settle(cluster)
        return ms
      },
      peers: {
        'docker-compose up': async () => {
          const ms = await timed(() => compose(folder, 'up', '-d'))
          await compose(folder, 'down', '-t', '0')
          return ms
        },
        'docker run loop': async () => {
          const ms = await timed(async () => {
            for (const name of names) await runOne(name)
          })
          removals.docker.push(await timed(() => docker('rm', '-f', ...names)))
          return ms
        }
      }
    }))
  )
  figures.push({
    name: `${replicas} pods, delete to no container left`,
    unit: 'ms',
    mk: median(removals.mk),
    rounds,
    peer: {
      name: 'docker rm -f',
      value: median(removals.docker),
      ratio: median(removals.mk.map((ms, round) => ms / (removals.docker[round] ?? NaN)))
    }
  })
  figures.push(
    ...(await paired({
      name: 'one pod, apply to Running',
      rounds: rounds * 3,
      mk: async () => {
        await settle(cluster)
        const ms = await timed(async () => {
          await apply(cluster, 'one', 1)
          await running(client, 'one', 1)
        })
        await removeDeployment(cluster, 'one')
        return ms
      },
      peers: {
        'docker run': async () => {
          const ms = await timed(() => runOne('mk-bench-one'))
          await docker('rm', '-f', 'mk-bench-one')
          return ms
        }
      }
    }))
  )
  return figures
}

async function measureUp(cluster: TestCluster): Promise<Figure[]> {
  return paired({
    name: 'mk up of a stopped cluster',
    rounds,
    mk: async () => {
      await cluster.mk(['down'])
      return timed(() => cluster.mk(['up']))
    },
    peers: {}
  })
}

async function measureIdle(cluster: TestCluster, client: HttpsClient): Promise<Figure[]> {
  await apply(cluster, 'idle', replicas)
  await running(client, 'idle', replicas)
  await settle(cluster)
  const { pid } = await cluster.status()
  const seconds = 30
  const before = processUsage(pid).cpuSeconds
  await new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000)
  })
  const after = processUsage(pid)
  return [
    {
      name: `daemon idle with ${replicas} pods, CPU`,
      unit: '% of a core',
      mk: (100 * (after.cpuSeconds - before)) / seconds,
      rounds: 1
    },
    { name: `daemon idle with ${replicas} pods, memory`, unit: 'MB', mk: after.residentMb, rounds: 1 }
  ]
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mk-bench-'))
  const cleanups: (() => unknown)[] = []
  try {
    await buildImage(folder)
    await docker('network', 'create', network)
    cleanups.push(() => docker('network', 'rm', network))
    const figures: Figure[] = []
    let firstUp = 0
    const cluster = await (async () => {
      const start = performance.now()
      const started = await startCluster({ teardown: (fn) => cleanups.push(fn) })
      firstUp = performance.now() - start
      return started
    })()
    figures.push({ name: 'mk up, first time', unit: 'ms', mk: firstUp, rounds: 1 })
    figures.push(...(await measureUp(cluster)))
    const path = join(cluster.home, '.config/mk/kubeconfig')
    const client = new HttpsClient(endpointOf(readFileSync(path, 'utf8'), path), { userAgent: 'mk-bench' })
    figures.push(...(await measure(cluster, client, folder)))
    figures.push(...(await measureIdle(cluster, client)))
    client.close()
    printTable(figures)
    const directory = join(root, '.bench')
    mkdirSync(directory, { recursive: true })
    const machine = {
      cpus: cpus().length,
      memoryBytes: totalmem(),
      node: process.version,
      docker: await docker('version', '-f', '{{.Server.Version}}')
    }
    const file = join(directory, `${new Date().toISOString().replace(/[:.]/g, '-')}.json`)
    writeFileSync(file, JSON.stringify({ machine, figures }, null, 2) + '\n')
    console.log(`\nwritten to ${file}`)
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup()
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
