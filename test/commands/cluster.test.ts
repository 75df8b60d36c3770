import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { DaemonStatus } from '../../src/base/control.js'
import { parseYamlDocuments } from '../../src/base/yaml.js'
import { kubeconfigText, type RunOptions, runMk } from '../cli/support.js'
import { testTls } from '../cli/tls.js'

const status = (state: 'ready' | 'stopped'): DaemonStatus => ({
  // No process has this id: stopping waits until it is gone.
  pid: 2 ** 22 + 1,
  version: '1.0.0',
  startedAt: '2026-01-01T00:00:00Z',
  engine: 'Docker Engine 27.0 (linux/amd64)',
  clusters: [
    {
      name: 'mk',
      state,
      apiServer: 'https://127.0.0.1:6443',
      kubeconfigPath: '/x/kubeconfig',
      ingress: { http: 8080, https: 8443 },
      nodes: 1,
      notices: ['port 80 is in use by nginx (process 7): took 8080']
    }
  ]
})

type Answers = Record<string, (body: unknown) => { code?: number; body: unknown }>

/** A home directory, with a daemon's control socket in it if answers are given. */
async function home(t: { teardown: (fn: () => unknown) => unknown }, answers?: Answers) {
  const directory = mkdtempSync(join(tmpdir(), 'mk-c-'))
  const asked: string[] = []
  const env = { XDG_RUNTIME_DIR: directory }
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  if (answers) {
    mkdirSync(join(directory, 'mk'))
    const server = createServer((request, response) => {
      const route = `${request.method ?? ''} ${request.url ?? ''}`
      asked.push(route)
      if (route === 'GET /events') {
        response.write('{"cluster":"mk","step":"Reaching the Docker Engine","state":"done"}\n')
        return
      }
      let text = ''
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      request.on('end', () => {
        const { code = 200, body } = answers[route]?.(text ? JSON.parse(text) : undefined) ?? {
          code: 404,
          body: {}
        }
        response.writeHead(code).end(JSON.stringify(body))
      })
    })
    await new Promise<void>((resolve) => server.listen(join(directory, 'mk/daemon.sock'), resolve))
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
  }
  const run = (argv: string[], options: RunOptions = {}) =>
    runMk(argv, { ...options, home: directory, env: { ...env, ...options.env } })
  return { directory, asked, run }
}

t.test('up: shows progress, what came out, and notices', async (t) => {
  let options: unknown
  const { run } = await home(t, {
    'GET /status': () => ({ body: status('stopped') }),
    'POST /clusters/mk/up': (body) => {
      options = body
      return { body: status('ready') }
    }
  })
  const result = await run(['up', '--nodes', '3', '--http-port=8080'])
  t.equal(result.code, 0, result.stderr)
  t.same(options, { nodes: 3, httpPort: 8080 })
  t.match(result.stdout, 'https://127.0.0.1:6443')
  t.match(result.stdout, 'note: port 80 is in use by nginx (process 7): took 8080')
})

t.test('up: a second time says so', async (t) => {
  const { run } = await home(t, { 'GET /status': () => ({ body: status('ready') }) })
  const again = await run(['up'])
  t.equal(again.code, 0)
  t.match(again.stdout, /^mk is already up\n[\s\S]*https:\/\/127.0.0.1:6443/)
  const changed = await run(['up', '--nodes', '2'])
  t.equal(changed.code, 1)
  t.match(changed.stderr, '`mk down`, then `mk up`')
  t.match((await run(['up', '--nodes', '0'])).stderr, 'greater than or equal to 1')
})

t.test("up: the daemon's error comes with its hint", async (t) => {
  const error = {
    code: 'MK_ENGINE_TOO_OLD',
    message: 'Docker Engine 18.09 is too old',
    hint: 'mk needs 20.10 or later'
  }
  const { run } = await home(t, {
    'GET /status': () => ({ body: status('stopped') }),
    'POST /clusters/mk/up': () => ({ code: 500, body: { error } })
  })
  const result = await run(['up'])
  t.equal(result.code, 1)
  t.match(result.stderr, 'error: Docker Engine 18.09 is too old\nmk needs 20.10 or later\n')
})

t.test('down stops the pods, then the daemon', async (t) => {
  const { run, asked } = await home(t, {
    'GET /status': () => ({ body: status('ready') }),
    'POST /clusters/mk/down': () => ({ body: status('stopped') }),
    'POST /stop': () => ({ body: status('stopped') })
  })
  t.equal((await run(['down'])).code, 0)
  t.same(asked, ['GET /status', 'POST /clusters/mk/down', 'POST /stop'])
})

t.test('delete cluster asks the daemon', async (t) => {
  const { run, asked } = await home(t, {
    'GET /status': () => ({ body: status('ready') }),
    'POST /clusters/mk/delete': () => ({ body: status('stopped') }),
    'POST /stop': () => ({ body: status('stopped') })
  })
  const result = await run(['delete', 'cluster', '--yes'])
  t.equal(result.stdout, 'cluster "mk" deleted\n', result.stderr)
  t.same(asked.slice(1), ['POST /clusters/mk/delete', 'POST /stop'])
})

t.test('status', async (t) => {
  const running = await home(t, { 'GET /status': () => ({ body: status('ready') }) })
  const shown = await running.run(['status'])
  t.equal(shown.code, 0)
  t.match(shown.stdout, /cluster "mk" is ready[\s\S]*Docker Engine 27\.0[\s\S]*port 80 is in use/)
  t.match(JSON.parse((await running.run(['status', '-o', 'json'])).stdout), {
    clusters: [{ ingress: { http: 8080 } }]
  })
  const none = await home(t)
  const absent = await none.run(['status'])
  t.equal(absent.code, 1)
  t.match(absent.stdout, 'mk is not running; `mk up` starts it')
  t.equal((await none.run(['down'])).code, 0)
  mkdirSync(join(none.directory, '.local/state/mk'), { recursive: true })
  writeFileSync(join(none.directory, '.local/state/mk/daemon.log'), 'first\nlast\n')
  t.match((await none.run(['status', '--logs'])).stdout, 'first\nlast\n')
})

t.test('kubeconfig: printed, and merged without touching the current context', async (t) => {
  const { run, directory } = await home(t)
  t.match((await run(['kubeconfig'])).stderr, 'start one with `mk up`')
  const own = join(directory, '.config/mk/kubeconfig')
  mkdirSync(join(directory, '.config/mk'), { recursive: true })
  writeFileSync(own, kubeconfigText(6443, testTls.cert))
  t.equal((await run(['kubeconfig'])).stdout, kubeconfigText(6443, testTls.cert))
  t.equal((await run(['kubeconfig', '--path'])).stdout, `${own}\n`)

  const target = join(directory, 'other/config')
  mkdirSync(join(directory, 'other'))
  writeFileSync(
    target,
    'apiVersion: v1\nkind: Config\nclusters: [{ name: prod, cluster: { server: https://prod } }]\ncontexts: null\nusers: []\ncurrent-context: prod\npreferences: { colors: true }\n',
    { mode: 0o640 }
  )
  const env = { KUBECONFIG: `:${target}:/another` }
  const merged = await run(['kubeconfig', '--merge'], { env })
  t.match(merged.stdout, 'the current context stays "prod"', merged.stderr)
  const read = () =>
    parseYamlDocuments(readFileSync(target, 'utf8'), { file: target })[0]?.value as Record<string, unknown>
  t.match(read(), {
    'current-context': 'prod',
    clusters: [{ name: 'prod' }, { name: 'mk' }],
    contexts: [{ name: 'mk' }],
    preferences: { colors: true }
  })
  t.equal(statSync(target).mode & 0o777, 0o640)
  await run(['kubeconfig', '--merge', '--use'], { env })
  t.match(read(), { 'current-context': 'mk' })
  t.equal((read()['clusters'] as unknown[]).length, 2, 'a second merge replaces')

  const fresh = await run(['kubeconfig', '--merge'])
  t.equal(fresh.code, 0)
  const made = join(directory, '.kube/config')
  t.match(readFileSync(made, 'utf8'), 'name: mk')
  t.equal(statSync(made).mode & 0o777, 0o600)
  writeFileSync(target, 'a: [b')
  t.match((await run(['kubeconfig', '--merge'], { env })).stderr, /config:\d+:\d+/)
  t.equal(readFileSync(target, 'utf8'), 'a: [b', 'what can not be read is left as it is')
})

t.test('help and mistakes', async (t) => {
  const { run } = await home(t)
  t.match((await run([])).stdout, /mk COMMAND[\s\S]*apply +Create or change/)
  t.match((await run(['help', 'get'])).stdout, 'mk get TYPE[,TYPE…]')
  t.match((await run(['apply', '--help'])).stdout, /--force-conflicts[\s\S]*Examples:/)
  const unknown = await run(['appyl'])
  t.same(
    [unknown.code, unknown.stderr],
    [1, 'error: unknown command "appyl" for "mk": did you mean "apply"?\nSee \'mk --help\' for usage.\n']
  )
  t.match((await run(['up', 'extra'])).stderr, 'unexpected argument: extra')
  t.match((await run(['version'])).stdout, /^mk /)
})
