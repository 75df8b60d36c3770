import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { root, startCluster } from '../fixtures/cluster.js'
import { run } from '../fixtures/kubectl.js'

const freshEnv = () => {
  const home = mkdtempSync(join(tmpdir(), 'mk-bad-'))
  return { home, env: { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: join(home, 'run') } }
}
const mk = (args: string[], env: NodeJS.ProcessEnv) => run(join(root, 'bin/mk'), args, { env })

const deployment = (name: string, image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: c, image: "${image}" }] }
`

t.test('bad input to a running cluster', { timeout: 300_000 }, async (t) => {
  const cluster = await startCluster(t)
  const apply = (input: string, ...args: string[]) =>
    cluster.mk(['apply', '-f', '-', ...args], { input, timeoutMs: 60_000 })

  const cases: { what: string; input: string; says: (RegExp | string)[] }[] = [
    { what: 'malformed YAML', input: 'a: 1\nb: [1,\nc: 2\n', says: [/stdin|-/, /:[23]:\d+/] },
    { what: 'unknown kind', input: 'apiVersion: v1\nkind: Podd\nmetadata: { name: x }\n', says: ['Podd'] },
    {
      what: 'unknown field',
      input: deployment('x', 'hello:v1').replace('spec:\n  selector', 'spec:\n  replica: 2\n  selector'),
      says: ['unknown field "spec.replica"']
    },
    {
      what: 'duplicate key',
      input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\nkind: Secret\n',
      says: [/line 4/, 'kind']
    },
    {
      what: 'wrong type',
      input: deployment('x', 'hello:v1').replace(
        'spec:\n  selector',
        'spec:\n  replicas: "three"\n  selector'
      ),
      says: [/replicas/]
    },
    {
      what: 'name not a DNS label',
      input:
        'apiVersion: v1\nkind: Service\nmetadata: { name: Not_A_Label }\nspec: { ports: [{ port: 80 }] }\n',
      says: ['metadata.name', 'Not_A_Label']
    },
    {
      what: 'selector that does not match',
      input: deployment('x', 'hello:v1').replace('matchLabels: { app: x }', 'matchLabels: { app: z }'),
      says: ['`selector` does not match template `labels`']
    },
    {
      what: 'a volume that mk does not run',
      input:
        'apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: c, image: "hello:v1" }], volumes: [{ name: v, csi: { driver: d } }] }\n',
      says: ['csi']
    }
  ]
  for (const { what, input, says } of cases) {
    await t.test(what, async (t) => {
      const result = await apply(input)
      t.not(result.code, 0)
      for (const text of says) t.match(result.stderr + result.text, text)
      t.notMatch(result.stderr, /^ +at .*\.js:\d+/m, 'no stack trace')
    })
  }
  t.match(
    (
      await cluster.kubectl([
        'get',
        'deployments,pods,configmaps',
        '-l',
        '!nothing',
        '--field-selector',
        'metadata.name=x'
      ])
    ).stderr,
    'No resources found',
    'nothing of it was stored'
  )

  await t.test('an image that does not exist', async (t) => {
    const result = await apply(deployment('nope', 'no-such-image-anywhere:v1'), '--wait', '--timeout', '40s')
    t.not(result.code, 0)
    t.match(result.stderr + result.text, /ErrImagePull|ImagePullBackOff/)
    t.match(result.stderr + result.text, 'no-such-image-anywhere')
    const describe = await cluster.mk(['describe', 'pods', '-l', 'app=nope'])
    t.match(describe.text, /ErrImagePull|ImagePullBackOff/, 'the pod says so')
    t.match(describe.text, /Failed to pull image|Error: ErrImagePull/, 'so do its events')
  })

  t.test('a name that is not there', async (t) => {
    const result = await cluster.mk(['get', 'pod', 'missing'])
    t.equal(result.code, 1)
    t.match(result.stderr, 'pods "missing" not found')
  })
})

/** Holds a port of the loopback, unless somebody does already. */
async function hold(t: { teardown: (fn: () => unknown) => unknown }, port: number): Promise<number> {
  const holder = createServer()
  t.teardown(() => holder.close())
  await new Promise<void>((resolve) => {
    holder.once('listening', resolve).once('error', () => {
      resolve()
    })
    holder.listen(port, '127.0.0.1')
  })
  const address = holder.address()
  return address && typeof address === 'object' ? address.port : port
}

t.test('preferred ports that are busy are named, and others are taken', { timeout: 120_000 }, async (t) => {
  await Promise.all([hold(t, 6443), hold(t, 80)])
  const cluster = await startCluster(t)
  const [status] = (await cluster.status()).clusters
  t.not(status?.ingress?.http, 80)
  t.not(status?.apiServer, 'https://127.0.0.1:6443')
  const notices = status?.notices.join('\n') ?? ''
  t.match(notices, /6443.*\(.*\d+.*\)|6443.*process \d+/, "which process holds the API server's port")
  t.match(notices, new RegExp(`instead.*|${status?.ingress?.http}`), 'and what was taken instead')
  t.match(notices, /\b80\b/, 'the same for the ingress')
  t.equal((await cluster.kubectl(['get', 'nodes'])).code, 0, 'the kubeconfig has the port that was taken')
})

t.test(
  'a port that was asked for and is busy is an error that names the holder',
  { timeout: 120_000 },
  async (t) => {
    const busy = await hold(t, 0)
    const { env } = freshEnv()
    const result = await mk(['up', '--http-port', String(busy)], env)
    t.equal(result.code, 1)
    t.match(result.stderr, String(busy))
    t.match(result.stderr, String(process.pid), 'the process that holds it')
    await mk(['delete', 'cluster', '--yes'], env)
  }
)

t.test('no Docker Engine', async (t) => {
  const { home, env } = freshEnv()
  const result = await mk(['up'], { ...env, DOCKER_HOST: `unix://${home}/no.sock` })
  t.equal(result.code, 1)
  t.match(result.stderr, /no\.sock/)
  t.match(result.stderr, /DOCKER_HOST|start/i, 'says what to do')
})

t.test('an engine that is too old', async (t) => {
  const { home, env } = freshEnv()
  const { createServer: createHttp } = await import('node:http')
  const server = createHttp((_request, response) => {
    response.setHeader('content-type', 'application/json').end(
      JSON.stringify({
        Version: '18.09.1',
        ApiVersion: '1.39',
        MinAPIVersion: '1.12',
        Os: 'linux',
        Arch: 'amd64'
      })
    )
  })
  server.listen(join(home, 'old.sock'))
  await once(server, 'listening')
  t.teardown(() => server.close())
  const result = await mk(['up'], { ...env, DOCKER_HOST: `unix://${home}/old.sock` })
  t.equal(result.code, 1)
  t.match(result.stderr, /18\.09\.1/)
  t.match(result.stderr, /20\.10/)
  await mk(['down'], env)
})

t.test('commands without a cluster say what to do', async (t) => {
  const { env } = freshEnv()
  for (const args of [['get', 'pods'], ['apply', '-f', join(root, 'examples/hello')], ['down']]) {
    const result = await mk(args, env)
    t.match(result.stderr + result.text, 'mk up', args.join(' '))
  }
})

t.test('a corrupt state file is kept aside', { timeout: 120_000 }, async (t) => {
  const cluster = await startCluster(t)
  t.equal((await cluster.kubectl(['create', 'configmap', 'precious', '--from-literal=a=b'])).code, 0)
  t.equal((await cluster.mk(['down'])).code, 0)
  const { readdirSync, statSync } = await import('node:fs')
  const data = join(cluster.home, '.local/share/mk/mk')
  const store = readdirSync(data, { recursive: true })
    .map(String)
    .map((name) => join(data, name))
    .find((path) => statSync(path).isFile() && path.endsWith('state.mdb'))
  if (!store) throw new Error(`no store under ${data}`)
  writeFileSync(store, 'this is not a database'.repeat(1000))
  const failed = await cluster.mk(['up'])
  t.equal(failed.code, 1, 'it does not start empty silently')
  t.match(failed.stderr, /damaged|corrupt/i)
  const aside = /(\S*corrupt\S*|\S*damaged-\S*)/.exec(failed.stderr)?.[1]
  t.ok(aside, `it names where the damaged state is kept: ${failed.stderr}`)
  const fresh = await cluster.mk(['up'])
  t.equal(fresh.code, 0, fresh.stderr)
  t.match(fresh.text + fresh.stderr, /damaged|corrupt/i, 'and says again that this is a new state')
})

t.test('one daemon per user', { timeout: 60_000 }, async (t) => {
  const cluster = await startCluster(t)
  const second = spawn(process.execPath, [join(root, 'dist/daemon.js')], {
    env: cluster.env,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let errors = ''
  second.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const [code] = (await once(second, 'close')) as [number]
  t.equal(code, 1)
  t.match(errors, 'MK_DAEMON_RUNNING')
})
