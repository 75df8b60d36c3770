import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type FakeRoutes, startFakeApi, watching } from '../cli/support.js'

const columnDefinitions = [
  { name: 'Name', type: 'string', format: 'name', priority: 0 },
  { name: 'Status', type: 'string', priority: 0 },
  { name: 'Node', type: 'string', priority: 1 }
]
const row = (name: string, status: string, version = '1', namespace = 'default') => ({
  cells: [name, status, 'node-1'],
  object: { metadata: { name, namespace, resourceVersion: version, labels: { app: name, tier: 'web' } } }
})
const table = (rows: unknown[], columns: unknown[] = columnDefinitions) => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: { resourceVersion: '9' },
  columnDefinitions: columns,
  rows
})
const pod = (name: string) => ({
  metadata: { name, namespace: 'default', resourceVersion: '1', managedFields: [{ manager: 'x' }] },
  status: { podIP: '10.1.2.3', containerStatuses: [{ name: 'a' }, { name: 'b' }] }
})
const podList = {
  apiVersion: 'v1',
  kind: 'PodList',
  metadata: { resourceVersion: '9' },
  items: [pod('one'), pod('two')]
}

const pods = '/api/v1/namespaces/default/pods'
const routes: FakeRoutes = {
  [pods]: ({ headers }) => ({
    body: headers.accept?.includes('as=Table')
      ? table([row('one', 'Running'), row('a-longer-one', 'Pending')])
      : podList
  }),
  [`${pods}/one`]: ({ headers }) => ({
    body: headers.accept?.includes('as=Table')
      ? table([row('one', 'Running')])
      : { apiVersion: 'v1', kind: 'Pod', ...pod('one') }
  }),
  '/api/v1/pods': () => ({ body: table([row('one', 'Running'), row('two', 'Running', '1', 'kube-system')]) }),
  '/api/v1/namespaces/default/services': () => ({ body: table([row('web', '10.96.0.9')]) }),
  '/api/v1/namespaces/default/configmaps': () => ({ body: table([]) }),
  '/apis/apps/v1/namespaces/default/deployments': () => ({ body: table([row('web', '1/1')]) }),
  '/apis/apps/v1/namespaces/default/replicasets': () => ({ body: table([]) })
}

t.test('tables as kubectl prints them', async (t) => {
  const api = await startFakeApi(t, routes)
  const get = async (...words: string[]) => (await api.run(['get', ...words])).stdout
  t.equal(await get('pods'), 'NAME           STATUS\none            Running\na-longer-one   Pending\n')
  t.equal(
    await get('po', '-o', 'wide'),
    'NAME           STATUS    NODE\none            Running   node-1\na-longer-one   Pending   node-1\n'
  )
  t.equal(
    await get('pods', '-A'),
    'NAMESPACE     NAME   STATUS\ndefault       one    Running\nkube-system   two    Running\n'
  )
  t.equal(await get('pod', 'one', '--no-headers'), 'one   Running\n')
  t.equal(await get('pod/one', '-L', 'tier'), 'NAME   STATUS    TIER\none    Running   web\n')
  t.equal(
    await get('pod/one', '--show-labels'),
    'NAME   STATUS    LABELS\none    Running   app=one,tier=web\n'
  )
  t.equal(
    await get('svc,deploy'),
    'NAME          STATUS\nservice/web   10.96.0.9\n\nNAME                  STATUS\ndeployment.apps/web   1/1\n'
  )
  t.match(await get('all'), /pod\/one[\s\S]*service\/web[\s\S]*deployment.apps\/web/)
})

t.test('nothing there', async (t) => {
  const api = await startFakeApi(t, routes)
  const none = await api.run(['get', 'cm'])
  t.same([none.code, none.stdout, none.stderr], [0, '', 'No resources found in default namespace.\n'])
  const missing = await api.run(['get', 'pod', 'one', 'missing'])
  t.equal(missing.code, 1)
  t.equal(missing.stdout, 'NAME   STATUS\none    Running\n')
  t.equal(missing.stderr, 'Error from server (NotFound): pods "missing" not found\n')
  t.same(await api.run(['get', 'pod', 'missing', '--ignore-not-found']), { code: 0, stdout: '', stderr: '' })
})

t.test('objects as yaml, json, name and by path', async (t) => {
  const api = await startFakeApi(t, routes)
  const get = async (...words: string[]) => (await api.run(['get', ...words])).stdout
  const one = JSON.parse(await get('pod/one', '-o', 'json')) as { metadata: Record<string, unknown> }
  t.equal(one.metadata['name'], 'one')
  t.notOk('managedFields' in one.metadata)
  t.match(await get('pod/one', '-o', 'yaml', '--show-managed-fields'), 'managedFields')
  const all = JSON.parse(await get('pods', '-o', 'json')) as { kind: string; items: { kind: string }[] }
  t.equal(all.kind, 'List')
  t.equal(all.items[0]?.kind, 'Pod')
  t.match(await get('pods', '-o', 'yaml'), /^apiVersion: v1\nitems:\n/)
  t.equal(await get('pods', '-o', 'name'), 'pod/one\npod/two\n')
  t.equal(await get('pod', 'one', '-o', 'jsonpath={.status.podIP}'), '10.1.2.3')
  t.equal(await get('pods', '-o', 'jsonpath={.items[*].metadata.name}'), 'one two')
  const refused = await api.run(['get', 'pods', '-o', 'jsonpath={range .items[*]}{.x}{end}'])
  t.match(refused.stderr, /kubectl/)
  t.match((await api.run(['get', 'pods', '-o', 'xml'])).stderr, 'output format "xml"')
})

t.test('selectors and files', async (t) => {
  const api = await startFakeApi(t, routes)
  await api.run(['get', 'pods', '-l', 'app in (a,b)', '--field-selector=status.phase=Running'])
  t.equal(api.requests[0]?.query.get('labelSelector'), 'app in (a,b)')
  t.equal(api.requests[0]?.query.get('fieldSelector'), 'status.phase=Running')
  t.match(
    (await api.run(['get', 'pod', 'one', '-l', 'a=b'])).stderr,
    'name cannot be provided when a selector is specified'
  )
  t.match(
    (await api.run(['get', 'pod', 'one', '-A'])).stderr,
    'cannot be retrieved by name across all namespaces'
  )
  writeFileSync(join(api.home, 'pod.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: { name: one }\n')
  t.match((await api.run(['get', '-f', 'pod.yaml'])).stdout, /^one /m)
})

t.test('words that mean no resource', async (t) => {
  const api = await startFakeApi(t, routes)
  const typo = await api.run(['get', 'pdos'])
  t.equal(typo.code, 1)
  t.equal(typo.stderr, 'error: the server doesn\'t have a resource type "pdos"\ndid you mean "pods"?\n')
  t.match((await api.run(['get'])).stderr, 'name the type of resource')
  t.match((await api.run(['get', 'pods/one', 'two'])).stderr, '"two" is not TYPE/NAME')
  t.match(
    (await api.run(['get', 'pods', '--nope'])).stderr,
    "unknown flag: --nope\nSee 'mk get --help' for usage."
  )
  t.match(
    (await api.run(['get', 'pods', '--watch=perhaps'])).stderr,
    'invalid argument "perhaps" for "--watch"'
  )
})

t.test('discovery is kept on disk, and asked again for what it does not know', async (t) => {
  const api = await startFakeApi(t, routes)
  await api.run(['get', 'pods'])
  const again = await api.run(['get', 'events.events.k8s.io'])
  t.match(again.stderr, 'not found', 'the group was found in the copy')
  t.match(api.requests.at(-1)?.path, '/apis/events.k8s.io/v1/')
  await api.run(['get', 'events'])
  t.equal(api.requests.at(-1)?.path, '/api/v1/namespaces/default/events', 'core goes first')
})

t.test('-w goes on with changes and lines them up', async (t) => {
  const interrupted = new AbortController()
  const api = await startFakeApi(t, {
    [pods]: ({ query }) =>
      query.get('watch')
        ? watching([
            { type: 'MODIFIED', object: table([row('one', 'Terminating', '10')], []) },
            { type: 'BOOKMARK', object: table([row('', '', '11')], []) },
            { type: 'DELETED', object: table([row('one', 'Terminating', '12')], []) }
          ])
        : { body: table([row('one', 'Running')]) }
  })
  let seen = ''
  const result = await api.run(['get', 'pods', '-w'], {
    signal: interrupted.signal,
    onStdout: (text) => {
      seen += text
      if (seen.split('\n').length > 4) interrupted.abort()
    }
  })
  t.equal(result.stdout, 'NAME   STATUS\none    Running\none    Terminating\none    Terminating\n')
  t.equal(api.requests.at(-1)?.query.get('resourceVersion'), '9')
})

t.test('a watch that the server ends is resumed where it was', async (t) => {
  const interrupted = new AbortController()
  const versions: (string | null)[] = []
  const api = await startFakeApi(t, {
    [pods]: ({ query }) => {
      if (!query.get('watch')) return { body: table([row('one', 'Running')]) }
      versions.push(query.get('resourceVersion'))
      if (versions.length > 1) interrupted.abort()
      return (response) =>
        response.end(
          `${JSON.stringify({ type: 'MODIFIED', object: table([row('one', 'Failed', '15')], []) })}\n`
        )
    }
  })
  await api.run(['get', 'pods', '-w'], { signal: interrupted.signal })
  t.same(versions, ['9', '15'])
})

t.test('without a cluster, and with a cluster that is down', async (t) => {
  const api = await startFakeApi(t, routes)
  const none = await api.run(['get', 'pods'], { env: { XDG_CONFIG_HOME: '/nowhere' } })
  t.same([none.code, none.stderr], [1, 'error: there is no cluster yet\nstart one with `mk up`\n'])
  const { kubeconfigText } = await import('../cli/support.js')
  const { testTls } = await import('../cli/tls.js')
  writeFileSync(join(api.home, '.config/mk/kubeconfig'), kubeconfigText(1, testTls.cert))
  const down = await api.run(['get', 'pods'])
  t.equal(down.code, 1)
  t.equal(
    down.stderr,
    'error: the API server at https://127.0.0.1:1 does not answer\nstart mk with `mk up`\n'
  )
})
