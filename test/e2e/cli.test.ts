import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { background } from '../fixtures/background.js'
import { eventually, fetchFrom, root, startCluster } from '../fixtures/cluster.js'
import type { RunOptions, TestCluster } from '../fixtures/cluster.js'
import { docker } from '../fixtures/docker.js'
import { run } from '../fixtures/kubectl.js'

const example = join(root, 'examples/hello')
const mkPath = join(root, 'bin/mk')

const configMap = (name: string, value = 'a', labels = '{ set: test }') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, labels: ${labels} }\ndata: { key: "${value}" }\n`

interface Listed {
  metadata: {
    name: string
    deletionTimestamp?: string
    managedFields?: { manager: string; operation: string }[]
  }
  spec: { nodeName?: string; replicas?: number }
  status: {
    phase?: string
    containerStatuses?: { restartCount: number; ready: boolean; containerID: string }[]
  }
}

/** Runs mk and fails when it does. */
const must =
  (cluster: TestCluster) =>
  async (args: readonly string[], options: RunOptions = {}): Promise<string> => {
    const result = await cluster.mk(args, { timeoutMs: 120_000, ...options })
    if (result.code !== 0) throw new Error(`mk ${args.join(' ')} exited ${result.code}: ${result.stderr}`)
    return result.text
  }

t.test('the commands, by hand', { timeout: 400_000 }, async (t) => {
  const cluster = await startCluster(t, ['--nodes', '2'])
  const mk = must(cluster)
  const list = async (...args: string[]) =>
    (JSON.parse(await mk(['get', ...args, '-o', 'json'])) as { items: Listed[] }).items
  const readyPods = (count: number) =>
    eventually(`${count} ready pods`, async () => {
      const pods = (await list('pods', '-l', 'app=hello')).filter((pod) => !pod.metadata.deletionTimestamp)
      const ready = pods.filter((pod) => pod.status.containerStatuses?.every((one) => one.ready))
      return ready.length === count && pods.length === count ? ready : undefined
    })

  await t.test('apply: documents, folders, -R, stdin, URL, JSON', async (t) => {
    const folder = join(cluster.home, 'manifests')
    mkdirSync(join(folder, 'nested'), { recursive: true })
    writeFileSync(join(folder, 'two.yaml'), `${configMap('doc-1')}---\n# nothing\n---\n${configMap('doc-2')}`)
    writeFileSync(join(folder, 'readme.txt'), 'not a manifest: {{{')
    writeFileSync(
      join(folder, 'one.json'),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'from-json' },
        data: { key: 'j' }
      })
    )
    writeFileSync(join(folder, 'nested/deep.yml'), configMap('deep'))
    const flat = await mk(['apply', '-f', folder])
    for (const name of ['doc-1', 'doc-2', 'from-json']) t.match(flat, `configmap/${name} created`)
    t.notMatch(flat, 'deep')
    const deep = await mk(['apply', '-R', '-f', folder])
    t.match(deep, 'configmap/deep created')
    t.match(deep, 'configmap/doc-1 unchanged')
    t.match(await mk(['apply', '-f', '-'], { input: configMap('stdin') }), 'configmap/stdin created')
    t.match(await mk(['apply', '-f', '-'], { input: configMap('stdin', 'b') }), 'configmap/stdin configured')

    const server = createServer((request, response) => {
      if (request.url === '/x.yaml') response.end(configMap('from-url'))
      else response.writeHead(404).end('nothing here')
    }).listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    t.match(await mk(['apply', '-f', `${base}/x.yaml`]), 'configmap/from-url created')
    const missing = await cluster.mk(['apply', '-f', `${base}/y.yaml`])
    t.equal(missing.code, 1)
    t.match(missing.stderr, /y\.yaml.*404|404.*y\.yaml/)
    const nowhere = await cluster.mk(['apply', '-f', join(cluster.home, 'missing.yaml')])
    t.equal(nowhere.code, 1)
    t.match(nowhere.stderr, 'missing.yaml')

    await t.test('it is a server-side apply, and takes over what others changed, with a note', async (t) => {
      const shown = JSON.parse(
        await mk(['get', 'configmap', 'doc-1', '-o', 'json', '--show-managed-fields'])
      ) as Listed
      t.match(shown.metadata.managedFields, [{ manager: 'mk', operation: 'Apply' }])
      const other = await cluster.kubectl(
        ['apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', '-'],
        { input: configMap('doc-1', 'theirs') }
      )
      t.equal(other.code, 0, other.stderr)
      const again = await cluster.mk(['apply', '-f', '-'], { input: configMap('doc-1', 'mine') })
      t.match(again.stderr, /Warning: .*data\.key changed by somebody else/)
      t.match(await mk(['get', 'cm', 'doc-1', '-o', 'jsonpath={.data.key}']), 'mine')
      const refused = await cluster.mk(
        ['apply', '-f', '-', '--no-force-conflicts', '--field-manager', 'third'],
        {
          input: configMap('doc-1', 'third')
        }
      )
      t.equal(refused.code, 1)
      t.match(refused.stderr, /conflict/i)
    })

    await t.test('delete by file, by name and by label', async (t) => {
      t.match(await mk(['delete', '-f', folder]), 'configmap "doc-2" deleted')
      t.match(await mk(['delete', 'configmap', 'from-url']), 'configmap "from-url" deleted')
      t.match(await mk(['delete', 'cm', '-l', 'set=test']), 'configmap "deep" deleted')
      t.same(await list('cm', '-l', 'set=test'), [])
      const gone = await cluster.mk(['delete', 'cm', 'deep'])
      t.equal(gone.code, 1)
      t.match(gone.stderr, 'configmaps "deep" not found')
      t.equal((await cluster.mk(['delete', 'cm', 'deep', '--ignore-not-found'])).code, 0)
    })
  })

  await t.test('apply --wait ends with the time, and says what is missing', async (t) => {
    const input =
      'apiVersion: v1\nkind: Pod\nmetadata: { name: never }\nspec:\n  containers:\n' +
      '  - { name: c, image: "hello:v1", readinessProbe: { httpGet: { path: /, port: 9 } } }\n'
    const result = await cluster.mk(['apply', '-f', '-', '--wait', '--timeout', '3s'], { input })
    t.equal(result.code, 1)
    t.match(result.stderr, /pod\/never is not ready after 3 s: .*(ContainersNotReady|unready)/s)
    await mk(['delete', 'pod', 'never', '--force'])

    const crashing =
      'apiVersion: v1\nkind: Pod\nmetadata: { name: crash }\n' +
      'spec: { containers: [{ name: c, image: "hello:v1", command: [no-such-program] }] }\n'
    const crashed = await cluster.mk(['apply', '-f', '-', '--wait', '--timeout', '4s'], { input: crashing })
    t.equal(crashed.code, 1)
    t.match(
      crashed.stderr,
      /CrashLoopBackOff: .*it ended with exit code 12[78] \(StartError\).*no-such-program/
    )
    await mk(['delete', 'pod', 'crash', '--force'])
  })

  await t.test('get -w sees changes and ends with Ctrl-C', async (t) => {
    const watch = background(t, mkPath, ['get', 'pods', '-w'], cluster.env)
    const applied = await mk(['apply', '-f', example, '--wait'])
    t.match(applied, 'deployment.apps/hello is ready')
    await watch.until(/^NAME +READY +STATUS/m)
    await watch.until(/^hello-\S+ +0\/1 +ContainerCreating/m)
    await watch.until(/^hello-\S+ +1\/1 +Running/m)
    watch.child.kill('SIGINT')
    t.ok([0, 130].includes((await watch.ended()) as number), 'it ends by itself')
    t.notMatch(watch.output(), /error|Error/)
  })

  await t.test('pods are spread over the nodes, and shown', async (t) => {
    t.match(await mk(['get', 'nodes']), /Ready[\s\S]*Ready/)
    const pods = await readyPods(3)
    t.equal(new Set(pods.map((pod) => pod.spec.nodeName)).size, 2, 'on both nodes')
    const wide = await mk(['get', 'pods', '-o', 'wide'])
    t.match(wide, /^NAME .* IP +NODE/m)
    for (const { spec } of pods) t.match(wide, spec.nodeName ?? 'no node')
    t.match(await mk(['get', 'pods', '-o', 'name']), /^(pod\/hello-\S+\n){3}$/)
    t.match(await mk(['get', 'deploy/hello', '-o', 'yaml']), /^apiVersion: apps\/v1\n[\s\S]*kind: Deployment/)
    t.match(await mk(['get', 'deploy,svc,ing']), /deployment\.apps\/hello[\s\S]*service\/hello/)
    t.match(await mk(['get', 'pods', '-A', '--show-labels']), /^NAMESPACE [\s\S]*app=hello/)
    const described = await mk(['describe', 'deploy', 'hello'])
    t.match(described, /^Name: +hello$/m)
    t.match(described, 'ScalingReplicaSet')
    t.match(await mk(['describe', 'pod', '-l', 'app=hello']), /Liveness:[\s\S]*Events:[\s\S]*Scheduled/)
    t.match(await mk(['describe', 'svc/hello']), /Endpoints: +\d+\.\d+\.\d+\.\d+:8080/)
  })

  await t.test('exec', async (t) => {
    const exec = (args: string[], options: RunOptions = {}) =>
      cluster.mk(['exec', ...args], { timeoutMs: 20_000, ...options })
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255))
    const echoed = await exec(['-i', 'deploy/hello', '--', 'cat'], { input: bytes })
    t.equal(echoed.code, 0, echoed.stderr)
    t.ok(echoed.stdout.equals(bytes), '300 kB there and back')
    const failed = await exec(['deploy/hello', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42'])
    t.match(failed, { code: 42, text: 'out\n', stderr: /err/ })
    const missing = await exec(['deploy/hello', '--', 'no-such-program'])
    t.not(missing.code, 0)
    t.match(missing.stderr + missing.text, 'no-such-program', 'in the words of the engine')
    t.match((await exec(['deploy/hello', '-c', 'wrong', '--', 'env'])).stderr, 'wrong')

    await t.test('-it under a terminal: size, resizing, keys, exit code', async (t) => {
      const program =
        'const size = () => console.log(process.stdin.isTTY + " " + process.stdout.columns + "x" + process.stdout.rows);' +
        'process.stdout.on("resize", size); setTimeout(size, 300);' +
        'process.stdin.on("data", (d) => { console.log("got", d.toString().trim()); process.exit(7) })'
      writeFileSync(join(cluster.home, 'program.js'), program)
      const command =
        `tty; stty cols 77 rows 33; '${mkPath}' exec -it deploy/hello -- ` +
        `node -e "$(cat '${cluster.home}/program.js')"; echo "exit code $?"`
      // util-linux's script gives a real terminal.
      const terminal = background(t, 'script', ['-qec', command, '/dev/null'], {
        ...cluster.env,
        SHELL: '/bin/sh'
      })
      const [, device = ''] = await terminal.until(/(\/dev\/pts\/\d+)/)
      await terminal.until('true 77x33')
      t.equal((await run('stty', ['-F', device, 'cols', '99', 'rows', '44'])).code, 0)
      await terminal.until('true 99x44')
      terminal.child.stdin.write('hello\n')
      await terminal.until('got hello')
      await terminal.until('exit code 7')
    })
  })

  await t.test('logs -f goes on over restarts and rollouts', async (t) => {
    const follow = background(t, mkPath, ['logs', '-f', 'deploy/hello', '--tail', '1'], cluster.env)
    const [pod] = await readyPods(3)
    const name = pod?.metadata.name ?? ''
    await follow.until(`[pod/${name}/hello]`)
    await docker('kill', pod?.status.containerStatuses?.[0]?.containerID.replace('docker://', '') ?? '')
    await eventually('the container is restarted', async () =>
      (await list('pods', '-l', 'app=hello')).find(
        (one) => one.metadata.name === name && one.status.containerStatuses?.[0]?.restartCount === 1
      )
    )
    await follow.until(new RegExp(`\\[pod/${name}/hello\\] hello v1 listens`))
    t.match(await mk(['logs', '-p', name]), 'hello v1 listens on :8080')
    t.equal((await mk(['logs', name, '--tail', '1'])).split('\n').length, 2)
    await readyPods(3)
    await mk(['rollout', 'restart', 'deploy/hello'])
    await mk(['rollout', 'status', 'deploy/hello', '--timeout', '60s'])
    for (const fresh of await readyPods(3)) await follow.until(`[pod/${fresh.metadata.name}/hello] hello v1`)
    follow.child.kill('SIGINT')
    t.ok([0, 130].includes((await follow.ended()) as number))
  })

  await t.test('port-forward finds a live pod for each connection', async (t) => {
    const forward = background(t, mkPath, ['port-forward', 'svc/hello', ':80'], cluster.env)
    const [, port = ''] = await forward.until(/127\.0\.0\.1:(\d+) -> 80/)
    const answer = async () => {
      const { body } = await fetchFrom({
        port: Number(port),
        path: '/',
        agent: new Agent({ keepAlive: false })
      })
      return (JSON.parse(body) as { pod: string }).pod
    }
    const first = await answer()
    await mk(['delete', 'pod', first, '--now'])
    t.not(await eventually('another pod answers', answer), first)
    await mk(['scale', 'deploy/hello', '--replicas', '1'])
    const [last] = await readyPods(1)
    t.equal(await eventually('the last one answers', answer), last?.metadata.name)
    const taken = await cluster.mk(['port-forward', 'svc/hello', `${port}:80`])
    t.equal(taken.code, 1)
    t.match(taken.stderr, `unable to listen on port ${port}`)
    t.match(
      (await cluster.mk(['port-forward', 'svc/hello', ':81'])).stderr,
      'does not have a service port 81'
    )
    forward.child.kill('SIGINT')
    t.ok([0, 130].includes((await forward.ended()) as number))
  })

  await t.test('scale', async (t) => {
    t.match(await mk(['scale', 'deploy/hello', '--replicas', '2']), 'deployment.apps/hello scaled')
    await readyPods(2)
    const refused = await cluster.mk(['scale', 'deploy/hello', '--replicas', '5', '--current-replicas', '3'])
    t.equal(refused.code, 1)
    t.match(refused.stderr, 'Expected replicas to be 3, was 2')
    t.match((await cluster.mk(['scale', 'svc/hello', '--replicas', '2'])).stderr, "can't be scaled")
  })

  await t.test('rollout', async (t) => {
    const image = () =>
      mk(['get', 'deploy', 'hello', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'])
    const text = readFileSync(join(example, 'deployment.yaml'), 'utf8').replace('replicas: 3', 'replicas: 2')
    const apply = (version: string) =>
      mk(['apply', '-f', '-'], { input: text.replace('hello:v1', `hello:${version}`) })
    t.match(await mk(['rollout', 'pause', 'deploy/hello']), 'deployment.apps/hello paused')
    t.match((await cluster.mk(['rollout', 'pause', 'deploy/hello'])).stderr, 'already paused')
    t.match((await cluster.mk(['rollout', 'restart', 'deploy/hello'])).stderr, "can't restart paused")
    await apply('v2')
    t.match(await mk(['rollout', 'resume', 'deploy/hello']), 'deployment.apps/hello resumed')
    const status = await mk(['rollout', 'status', 'deploy/hello', '--timeout', '60s'])
    t.match(status, 'deployment "hello" successfully rolled out')
    const history = await mk(['rollout', 'history', 'deploy/hello'])
    t.match(history, /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n3 +<none>/)
    t.match(await mk(['rollout', 'history', 'deploy/hello', '--revision', '3']), /image: hello:v2/i)
    t.match(await mk(['rollout', 'undo', 'deploy/hello']), 'deployment.apps/hello rolled back')
    await mk(['rollout', 'status', 'deploy/hello', '--timeout', '60s'])
    t.equal((await image()).trim(), 'hello:v1')
    await mk(['rollout', 'undo', 'deploy/hello', '--to-revision', '3'])
    await mk(['rollout', 'status', 'deploy/hello', '--timeout', '60s'])
    t.equal((await image()).trim(), 'hello:v2')
    t.match((await cluster.mk(['rollout', 'undo', 'deploy/hello', '--to-revision', '99'])).stderr, /99/)

    // A rollout that gets stuck: --timeout ends the wait.
    await apply('no-such')
    const stuck = await cluster.mk(['rollout', 'status', 'deploy/hello', '--timeout', '2s'])
    t.equal(stuck.code, 1)
    t.match(stuck.stderr, 'timed out waiting for the condition')
    await apply('v2')
  })

  await t.test('kubeconfig --merge keeps what is there', async (t) => {
    const file = join(cluster.home, 'mine.yaml')
    const mine = `# my own
apiVersion: v1
kind: Config
current-context: work
clusters:
- name: work
  cluster: { server: 'https://work.example:6443' }
contexts:
- name: work
  context: { cluster: work, user: me }
users:
- name: me
  user: { token: abc }
`
    writeFileSync(file, mine, { mode: 0o600 })
    const env = { KUBECONFIG: file }
    t.match(await mk(['kubeconfig', '--merge'], { env }), 'the current context stays "work"')
    await mk(['kubeconfig', '--merge'], { env })
    const contexts = await cluster.kubectl(['config', 'get-contexts', '-o', 'name'], { env })
    t.same(contexts.text.trim().split('\n').sort(), ['mk', 'work'])
    const view = await cluster.kubectl(['config', 'view', '--raw', '-o', 'json'], { env })
    t.match(JSON.parse(view.text), { 'current-context': 'work', users: [{ user: { token: 'abc' } }, {}] })
    const nodes = await cluster.kubectl(['--context', 'mk', 'get', 'nodes', '-o', 'name'], { env })
    t.equal(nodes.text.trim().split('\n').length, 2, nodes.stderr)
    await mk(['kubeconfig', '--merge', '--use'], { env })
    t.equal((await cluster.kubectl(['config', 'current-context'], { env })).text.trim(), 'mk')
    t.match(await mk(['kubeconfig']), /^apiVersion: v1[\s\S]*server: https:\/\/127\.0\.0\.1:/m)
  })

  await t.test('delete -f takes all of it away', async (t) => {
    t.match(await mk(['delete', '-f', example]), 'deployment.apps "hello" deleted')
    await eventually('no pods', async () => ((await list('pods')).length === 0 ? true : undefined))
  })
})
