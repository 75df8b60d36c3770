import { spawn } from 'node:child_process'
import { Agent } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { eventually, fetchFrom, root, startCluster } from '../fixtures/cluster.js'
import type { TestCluster } from '../fixtures/cluster.js'
import { kubectlPath } from '../fixtures/kubectl.js'

const example = join(root, 'examples/hello')

interface Hello {
  message: string
  version: string
  pod: string
  node: string
  motd: string
  secretFromEnv: boolean
  secretFromFile: boolean
}

const hello = async (cluster: TestCluster, path = '/'): Promise<Hello> => {
  const answer = await cluster.fetch(path)
  if (answer.status !== 200) throw new Error(`${path} gave ${answer.status}: ${answer.body}`)
  return JSON.parse(answer.body) as Hello
}

/** Requests one after the other on 4 connections until stopped; counts what failed. */
function startLoad(port: number): {
  stop: () => Promise<{ sent: number; failures: string[]; versions: Set<string> }>
} {
  let running = true
  const result = { sent: 0, failures: [] as string[], versions: new Set<string>() }
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const worker = async () => {
    while (running) {
      result.sent++
      try {
        const answer = await fetchFrom({ port, path: '/version', agent })
        if (answer.status === 200)
          result.versions.add((JSON.parse(answer.body) as { version: string }).version)
        else result.failures.push(`${answer.status} ${answer.body}`)
      } catch (error) {
        result.failures.push(String(error))
      }
    }
  }
  const workers = [worker(), worker(), worker(), worker()]
  return {
    stop: async () => {
      running = false
      await Promise.all(workers)
      agent.destroy()
      return result
    }
  }
}

t.test('kubectl drives the example from apply to delete', { timeout: 600_000 }, async (t) => {
  const cluster = await startCluster(t)
  const httpPort = (await cluster.status()).clusters[0]?.ingress?.http ?? 0
  for (const version of ['1.27', '1.30', '1.33']) {
    await t.test(`kubectl ${version}`, { timeout: 180_000 }, async (t) => {
      const kubectl = async (...args: string[]) => {
        const result = await cluster.kubectl(args, { version })
        if (result.code !== 0)
          throw new Error(`kubectl ${args.join(' ')} exited ${result.code}: ${result.stderr}${result.text}`)
        return result.text
      }

      const applied = await kubectl('apply', '-f', example)
      t.match(applied, 'deployment.apps/hello created')
      t.match(applied, 'ingress.networking.k8s.io/hello created')
      await kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s')
      await kubectl('wait', '--for=condition=Available', 'deployment/hello', '--timeout=10s')
      const again = await kubectl('apply', '-f', example)
      // A Secret given as stringData counts as configured each time: kubectl compares it with data.
      t.notMatch(again, /created|^(?!secret).*configured/m, 'a second apply changes nothing')

      const table = await kubectl('get', 'pods', '-l', 'app=hello')
      t.equal([...table.matchAll(/1\/1 +Running/g)].length, 3, table)

      const answer = await eventually('the app answers through the ingress', async () => hello(cluster))
      t.match(answer, { message: 'Hello from mk', version: 'v1', secretFromEnv: true, secretFromFile: true })
      t.match(answer.motd, 'Change me', 'the ConfigMap is there as a file')
      t.match(await hello(cluster, '/peer'), { version: 'v1' }, 'a pod reaches the Service by its DNS name')
      const secure = await cluster.fetch('/', { tls: true })
      t.equal(secure.status, 200)
      t.equal(secure.peerSubject, 'hello.localhost', 'TLS with the certificate of the Secret')
      t.equal((await cluster.fetch('/', { host: 'other.localhost' })).status, 404, 'another host has no rule')

      t.match(await kubectl('logs', 'deployment/hello'), 'listens on :8080')
      t.match(
        await kubectl('exec', 'deployment/hello', '--', 'cat', '/etc/resolv.conf'),
        'nameserver 10.96.0.10'
      )
      await t.test('port-forward to the Service', async (t) => {
        const child = spawn(kubectlPath(version), ['port-forward', 'svc/hello', ':80'], {
          env: { ...cluster.env, KUBECONFIG: join(cluster.home, '.config/mk/kubeconfig') }
        })
        t.teardown(() => child.kill())
        const port = await new Promise<number>((resolve, reject) => {
          child.stdout.on('data', (chunk: Buffer) => {
            const found = /127\.0\.0\.1:(\d+)/.exec(chunk.toString())
            if (found) resolve(Number(found[1]))
          })
          child.on('close', (code) => {
            reject(new Error(`port-forward ended: ${code}`))
          })
        })
        t.equal((await fetchFrom({ port, path: '/healthz' })).status, 200)
      })

      await kubectl('scale', 'deployment/hello', '--replicas=4')
      await kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s')
      await kubectl('scale', 'deployment/hello', '--replicas=3')

      const load = startLoad(httpPort)
      await kubectl('set', 'image', 'deployment/hello', 'hello=hello:v2')
      await kubectl('rollout', 'status', 'deployment/hello', '--timeout=120s')
      const result = await load.stop()
      t.same(result.failures, [], `no failed request of ${result.sent} during the rolling update`)
      t.same([...result.versions].sort(), ['v1', 'v2'], 'both versions answered meanwhile')
      t.match(await hello(cluster), { version: 'v2' })

      await kubectl('rollout', 'undo', 'deployment/hello')
      await kubectl('rollout', 'status', 'deployment/hello', '--timeout=120s')
      await eventually('only v1 answers', async () =>
        (await hello(cluster)).version === 'v1' ? true : undefined
      )

      const deleted = await kubectl('delete', '-f', example)
      t.match(deleted, 'deployment.apps "hello" deleted')
      await kubectl('wait', '--for=delete', 'pod', '-l', 'app=hello', '--timeout=60s')
      t.equal((await cluster.fetch('/')).status, 404)
      t.equal((await cluster.kubectl(['get', 'pods', '-A'], { version })).text.includes('hello'), false)
    })
  }
})
