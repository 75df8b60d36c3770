import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually, root, startCluster } from '../fixtures/cluster.js'
import type { TestCluster } from '../fixtures/cluster.js'
import { docker } from '../fixtures/docker.js'

const example = join(root, 'examples/hello')

interface PodView {
  name: string
  uid: string
  ip: string
  containerId: string
  restarts: number
  ready: boolean
}

async function pods(cluster: TestCluster): Promise<PodView[]> {
  const list = JSON.parse((await cluster.kubectl(['get', 'pods', '-l', 'app=hello', '-o', 'json'])).text) as {
    items: {
      metadata: { name: string; uid: string }
      status: {
        podIP?: string
        containerStatuses?: { containerID?: string; restartCount: number; ready: boolean }[]
      }
    }[]
  }
  return list.items
    .map(({ metadata, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      ip: status.podIP ?? '',
      containerId: status.containerStatuses?.[0]?.containerID?.replace('docker://', '') ?? '',
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
      ready: status.containerStatuses?.[0]?.ready ?? false
    }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

const allReady = (cluster: TestCluster) =>
  eventually(
    '3 ready pods',
    async () => {
      const now = await pods(cluster)
      return now.length === 3 && now.every((pod) => pod.ready) ? now : undefined
    },
    60_000
  )

const answers = (cluster: TestCluster) =>
  eventually('the ingress answers', async () =>
    (await cluster.fetch('/')).status === 200 ? true : undefined
  )

t.test('self-healing and restarts', { timeout: 400_000 }, async (t) => {
  const cluster = await startCluster(t)
  const applied = await cluster.mk(['apply', '-f', example, '--wait'])
  t.equal(applied.code, 0, applied.stderr)
  const before = await allReady(cluster)

  await t.test('docker kill of a container is healed', async (t) => {
    const victim = before[0]
    if (!victim) throw new Error('no pod')
    await docker('kill', victim.containerId)
    const healed = await eventually('the container is restarted', async () =>
      (await pods(cluster)).find((pod) => pod.name === victim.name && pod.restarts === 1 && pod.ready)
    )
    t.equal(healed.uid, victim.uid, 'in the same pod')
    t.equal(healed.ip, victim.ip, 'at the same address')
    t.not(healed.containerId, victim.containerId, 'as a new container')
    const previous = await cluster.kubectl(['logs', '-p', victim.name])
    t.match(previous.text, 'listens on :8080', 'the last container keeps its log')
  })

  await t.test('removing a pod sandbox and its containers behind mk is healed', async (t) => {
    const [victim] = await allReady(cluster)
    if (!victim) throw new Error('no pod')
    const ids = await docker('ps', '-aq', '--filter', `label=mk.dev/pod-uid=${victim.uid}`)
    await docker('rm', '-f', ...ids.split('\n'))
    const healed = await eventually('the pod runs again', async () =>
      (await pods(cluster)).find(
        (pod) => pod.name === victim.name && pod.ready && pod.containerId !== victim.containerId
      )
    )
    t.equal(healed.uid, victim.uid)
  })

  await t.test('kill -9 of the daemon: the pods run on and the next daemon adopts them', async (t) => {
    const running = await allReady(cluster)
    process.kill((await cluster.status()).pid, 'SIGKILL')
    for (const pod of running) {
      t.equal(
        await docker('inspect', '-f', '{{.State.Running}}', pod.containerId),
        'true',
        `${pod.name} runs on`
      )
    }
    const up = await cluster.mk(['up'])
    t.equal(up.code, 0, up.stderr)
    t.same(await allReady(cluster), running, 'same pods, containers, addresses and restart counts')
    await answers(cluster)
  })

  await t.test('a clean stop of the daemon by a signal does the same', async (t) => {
    const running = await allReady(cluster)
    const { pid } = await cluster.status()
    process.kill(pid, 'SIGTERM')
    await eventually('the daemon has ended', async () => {
      try {
        process.kill(pid, 0)
        return undefined
      } catch {
        return true
      }
    })
    t.equal((await cluster.mk(['up'])).code, 0)
    t.same(await allReady(cluster), running)
  })

  await t.test('mk down keeps state, mk up brings it back', async (t) => {
    const running = await allReady(cluster)
    const service = (await cluster.kubectl(['get', 'svc', 'hello', '-o', 'jsonpath={.spec.clusterIP}'])).text
    const down = await cluster.mk(['down'])
    t.equal(down.code, 0, down.stderr)
    for (const pod of running) {
      t.equal(
        await docker('ps', '-q', '--filter', `label=mk.dev/pod-uid=${pod.uid}`),
        '',
        `${pod.name} has stopped`
      )
    }
    t.equal((await cluster.mk(['get', 'pods'])).code, 1, 'nothing answers while it is down')
    t.equal((await cluster.mk(['up'])).code, 0)
    const after = await allReady(cluster)
    t.same(
      after.map(({ name, uid, ip }) => ({ name, uid, ip })),
      running.map(({ name, uid, ip }) => ({ name, uid, ip })),
      'same pods at the same addresses'
    )
    t.equal(
      (await cluster.kubectl(['get', 'svc', 'hello', '-o', 'jsonpath={.spec.clusterIP}'])).text,
      service
    )
    await answers(cluster)
  })

  await t.test('a second mk up says that it runs', async (t) => {
    const again = await cluster.mk(['up'])
    t.equal(again.code, 0)
    t.match(again.text + again.stderr, /already/i)
  })

  await t.test('mk delete cluster leaves nothing on the engine', async (t) => {
    const network = await docker('network', 'ls', '-q', '--filter', 'label=mk.dev/cluster')
    t.not(network, '')
    const label =
      (
        await docker(
          'ps',
          '--filter',
          `label=mk.dev/pod-uid=${(await pods(cluster))[0]?.uid ?? ''}`,
          '--format',
          '{{.Label "mk.dev/cluster"}}'
        )
      ).split('\n')[0] ?? ''
    t.not(label, '')
    const deleted = await cluster.mk(['delete', 'cluster', '--yes'])
    t.equal(deleted.code, 0, deleted.stderr)
    t.equal(await docker('ps', '-aq', '--filter', `label=mk.dev/cluster=${label}`), '', 'no container')
    t.equal(
      await docker('network', 'ls', '-q', '--filter', `label=mk.dev/cluster=${label}`),
      '',
      'no network'
    )
    t.equal(await docker('volume', 'ls', '-q', '--filter', `label=mk.dev/cluster=${label}`), '', 'no volume')
  })
})

t.test('a cluster whose daemon was killed is deleted without a trace', { timeout: 120_000 }, async (t) => {
  const cluster = await startCluster(t)
  const route = () =>
    readFileSync('/proc/net/route', 'utf8')
      .split('\n')
      .filter((line) => /\t0000600A\t/.test(line))
  t.equal(route().length, 1, 'the range of the Services is unreachable on the host')
  process.kill((await cluster.status()).pid, 'SIGKILL')
  const deleted = await cluster.mk(['delete', 'cluster', '--yes'])
  t.equal(deleted.code, 0, deleted.stderr)
  // Another cluster on this engine may still want the route.
  const others = await docker('network', 'ls', '-q', '--filter', 'label=mk.dev/service-cidr=10.96.0.0/16')
  t.equal(route().length, others === '' ? 0 : 1, 'the route went with the last cluster')
})
