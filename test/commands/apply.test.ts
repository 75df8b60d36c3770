import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { failure, type FakeRoutes, notFound, startFakeApi, watching } from '../cli/support.js'

type Stored = Record<string, unknown> & { metadata: Record<string, unknown> }

/** A store of objects by path, with apply as replacement: a new version only for a change. */
function storing(): { routes: FakeRoutes; objects: Map<string, Stored> } {
  const objects = new Map<string, Stored>()
  let version = 0
  const routes = new Proxy<FakeRoutes>(
    {},
    {
      get: (_, key) => {
        const [method = '', path = ''] = String(key).split(' ')
        if (method !== 'GET' && method !== 'PATCH') return undefined
        return ({ body }: { body: unknown }) => {
          const old = objects.get(path)
          if (method === 'GET') return old ? { body: old } : { status: 404, body: notFound(path) }
          const { metadata, ...rest } = body as Stored
          const { resourceVersion: before, ...oldMetadata } = old?.metadata ?? {}
          const same =
            old && JSON.stringify({ ...old, metadata: oldMetadata }) === JSON.stringify({ ...rest, metadata })
          const resourceVersion = same ? before : String(++version)
          const stored = { ...rest, metadata: { ...metadata, resourceVersion } }
          objects.set(path, stored)
          return { status: old ? 200 : 201, body: stored }
        }
      }
    }
  )
  return { routes, objects }
}

const configMap = (name: string, value = 'a') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { key: ${value} }\n`

t.test('says what became of each object', async (t) => {
  const { routes } = storing()
  const api = await startFakeApi(t, routes)
  const apply = (input: string) => api.run(['apply', '-f', '-'], { input })
  t.equal((await apply(configMap('one'))).stdout, 'configmap/one created\n')
  t.equal((await apply(configMap('one'))).stdout, 'configmap/one unchanged\n')
  t.equal((await apply(configMap('one', 'b'))).stdout, 'configmap/one configured\n')
  const patch = api.requests.find((request) => request.method === 'PATCH')
  t.equal(patch?.headers['content-type'], 'application/apply-patch+yaml')
  t.equal(patch?.query.get('fieldManager'), 'mk')
  t.equal(patch?.query.get('fieldValidation'), 'Strict')
  t.equal(patch?.headers.authorization, 'Bearer secret')
})

t.test('what others need goes first, whatever the order of documents', async (t) => {
  const { routes } = storing()
  const api = await startFakeApi(t, routes)
  const deployment = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d, namespace: x }\n'
  const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: x }\n'
  const input = [deployment, configMap('c'), namespace].join('---\n')
  const { stdout, code } = await api.run(['apply', '-f', '-'], { input })
  t.equal(code, 0)
  t.equal(stdout, 'namespace/x created\nconfigmap/c created\ndeployment.apps/d created\n')
})

t.test('folders, -R, JSON, lists and URLs', async (t) => {
  const { routes } = storing()
  const api = await startFakeApi(t, routes)
  mkdirSync(join(api.home, 'files/deeper'), { recursive: true })
  writeFileSync(
    join(api.home, 'files/a.yaml'),
    `${configMap('a')}---\n# nothing here\n---\n${configMap('b')}`
  )
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }]
  }
  writeFileSync(join(api.home, 'files/list.json'), JSON.stringify(list))
  writeFileSync(join(api.home, 'files/notes.txt'), 'not: [yaml')
  writeFileSync(join(api.home, 'files/deeper/d.yml'), configMap('d'))
  const flat = await api.run(['apply', '-f', 'files'])
  t.equal(flat.stdout, 'configmap/a created\nconfigmap/b created\nconfigmap/c created\n', flat.stderr)
  const deep = await api.run(['apply', '-R', '-f', 'files', '-o', 'name'])
  t.equal(deep.stdout, 'configmap/a\nconfigmap/b\nconfigmap/d\nconfigmap/c\n')

  const web = createServer((request, response) => {
    response.writeHead(request.url === '/e.yaml' ? 200 : 404).end(configMap('e'))
  })
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  t.teardown(() => web.close())
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  t.equal((await api.run(['apply', '-f', `${url}/e.yaml`])).stdout, 'configmap/e created\n')
  const missing = await api.run(['apply', '-f', `${url}/f.yaml`])
  t.equal(missing.code, 1)
  t.match(missing.stderr, `${url}/f.yaml: the server answered 404`)
})

t.test('bad files change nothing and say where the mistake is', async (t) => {
  const api = await startFakeApi(t, storing().routes)
  writeFileSync(join(api.home, 'good.yaml'), configMap('good'))
  const cases: [string, string, RegExp][] = [
    ['malformed.yaml', 'a: 1\nb: [1,\nc: 2\n', /malformed\.yaml:[23]:\d+/],
    ['list.yaml', '- a\n- b\n', /list\.yaml:1: the document must be an object with fields, and is a list/],
    ['version.yaml', 'kind: Pod\nmetadata: { name: x }\n', /version\.yaml:1: apiVersion not set/],
    ['kind.yaml', 'apiVersion: v1\nmetadata: { name: x }\n', /kind\.yaml:1: kind not set/],
    [
      'name.yaml',
      `${configMap('a')}---\napiVersion: v1\nkind: Pod\nmetadata: {}\n`,
      /name\.yaml:\d+: Pod: metadata\.name: required/
    ],
    [
      'number.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: { name: 12 }\n',
      /metadata\.name must be text, and is the number 12/
    ],
    ['empty.yaml', '# nothing\n', /no objects found/]
  ]
  for (const [file, content, message] of cases) {
    writeFileSync(join(api.home, file), content)
    const files = file === 'empty.yaml' ? [file] : ['good.yaml', file]
    const result = await api.run(['apply', ...files.flatMap((f) => ['-f', f])])
    t.equal(result.code, 1, file)
    t.match(result.stderr, message)
    t.notMatch(result.stderr, /^ {4}at /m)
  }
  t.match((await api.run(['apply', '-f', 'nowhere.yaml'])).stderr, 'the path "nowhere.yaml" does not exist')
  t.match((await api.run(['apply'])).stderr, 'must specify -f')
  t.same(api.requests, [], 'nothing was sent')
})

t.test('an unknown kind fails, the rest is applied', async (t) => {
  const api = await startFakeApi(t, storing().routes)
  const input = `apiVersion: v1\nkind: Podd\nmetadata: { name: x }\n---\n${configMap('good')}`
  const { code, stdout, stderr } = await api.run(['apply', '-f', '-'], { input })
  t.equal(code, 1)
  t.equal(stdout, 'configmap/good created\n')
  t.match(stderr, 'no matches for kind "Podd" in version "v1"')
  const wrongVersion = 'apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: { name: x }\n'
  t.match(
    (await api.run(['apply', '-f', '-'], { input: wrongVersion })).stderr,
    'Deployment is served as apiVersion: apps/v1'
  )
})

t.test("the server's refusal comes with the file and line", async (t) => {
  const api = await startFakeApi(t, {
    'PATCH /api/v1/namespaces/default/configmaps/x': () => ({
      status: 400,
      body: failure(400, 'BadRequest', 'strict decoding error: unknown field "dat"')
    })
  })
  const { code, stderr } = await api.run(['apply', '-f', '-'], { input: `\n---\n${configMap('x')}` })
  t.equal(code, 1)
  t.match(
    stderr,
    /^stdin:\d+: ConfigMap "x"\nError from server \(BadRequest\): strict decoding error: unknown field "dat"/
  )
})

t.test('fields that another manager owns are taken over, or not', async (t) => {
  const conflict = failure(
    409,
    'Conflict',
    'Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .data.key',
    {
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl"', field: '.data.key' }]
    }
  )
  const api = await startFakeApi(t, {
    'PATCH /api/v1/namespaces/default/configmaps/x': ({ query, body }) =>
      query.get('force') === 'true' ? { body } : { status: 409, body: conflict }
  })
  const taken = await api.run(['apply', '-f', '-'], { input: configMap('x') })
  t.equal(taken.code, 0)
  t.match(taken.stderr, '.data.key')
  const kept = await api.run(['apply', '-f', '-', '--force-conflicts=false'], { input: configMap('x') })
  t.equal(kept.code, 1)
  t.match(kept.stderr, 'Apply failed with 1 conflict')
})

t.test('dry runs and namespaces', async (t) => {
  const api = await startFakeApi(t, storing().routes)
  const client = await api.run(['apply', '-f', '-', '--dry-run=client'], { input: configMap('x') })
  t.equal(client.stdout, 'configmap/x created (dry run)\n')
  t.notOk(api.requests.some((request) => request.method === 'PATCH'))
  const server = await api.run(['apply', '-f', '-', '--dry-run=server', '-n', 'web'], {
    input: configMap('x')
  })
  t.equal(server.stdout, 'configmap/x created (server dry run)\n')
  const sent = api.requests.at(-1)
  t.equal(sent?.path, '/api/v1/namespaces/web/configmaps/x')
  t.equal(sent?.query.get('dryRun'), 'All')
  const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: other }\n'
  const refused = await api.run(['apply', '-f', '-', '-n', 'web'], { input: other })
  t.equal(refused.code, 1)
  t.match(refused.stderr, 'the namespace from the provided object "other" does not match the namespace "web"')
})

const deployment = (generation: number, ready: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default', resourceVersion: '5', generation },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'd' } },
    template: { spec: { containers: [{ name: 'c', image: 'nope:v1' }] } }
  },
  status: { observedGeneration: generation, replicas: 1, updatedReplicas: 1, availableReplicas: ready }
})

const input = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: d }\n'
const base = '/apis/apps/v1/namespaces/default/deployments'
const list = (items: unknown[]) => ({ kind: 'List', metadata: { resourceVersion: '5' }, items })

t.test('--wait follows until it is ready', async (t) => {
  const api = await startFakeApi(t, {
    [`${base}/d`]: () => ({ body: deployment(1, 0) }),
    [base]: ({ query }) =>
      query.get('watch')
        ? watching([{ type: 'MODIFIED', object: deployment(1, 1) }])
        : { body: list([deployment(1, 0)]) },
    '/api/v1/namespaces/default/pods': ({ query }) => (query.get('watch') ? watching([]) : { body: list([]) })
  })
  const result = await api.run(['apply', '-f', '-', '--wait'], { input })
  t.equal(result.stdout, 'deployment.apps/d unchanged\ndeployment.apps/d is ready\n', result.stderr)
  t.equal(result.code, 0)
})

t.test("--wait ends with the pod's words when an image does not exist", async (t) => {
  const pod = {
    metadata: { name: 'd-1', namespace: 'default', resourceVersion: '6', labels: { app: 'd' } },
    spec: { containers: [{ name: 'c', image: 'nope:v1' }] },
    status: {
      containerStatuses: [
        { name: 'c', state: { waiting: { reason: 'ErrImagePull', message: 'pull access denied for nope' } } }
      ]
    }
  }
  const api = await startFakeApi(t, {
    [`${base}/d`]: () => ({ body: deployment(1, 0) }),
    [base]: ({ query }) => (query.get('watch') ? watching([]) : { body: list([deployment(1, 0)]) }),
    '/api/v1/namespaces/default/pods': ({ query }) =>
      query.get('watch') ? watching([{ type: 'ADDED', object: pod }]) : { body: list([]) }
  })
  const result = await api.run(['apply', '-f', '-', '--wait', '--timeout', '20s'], { input })
  t.equal(result.code, 1)
  t.match(
    result.stderr,
    'error: deployment.apps/d: pod/d-1: container c: ErrImagePull: pull access denied for nope'
  )
})

t.test('--wait tells what it waited for when the time is over', async (t) => {
  const api = await startFakeApi(t, {
    [`${base}/d`]: () => ({ body: deployment(1, 0) }),
    [base]: ({ query }) => (query.get('watch') ? watching([]) : { body: list([deployment(1, 0)]) }),
    '/api/v1/namespaces/default/pods': ({ query }) => (query.get('watch') ? watching([]) : { body: list([]) })
  })
  const result = await api.run(['apply', '-f', '-', '--wait', '--timeout', '300ms'], { input })
  t.equal(result.code, 1)
  t.match(
    result.stderr,
    'deployment.apps/d is not ready after 0.3 s: Waiting for deployment "d" rollout to finish: 0 of 1'
  )
})
