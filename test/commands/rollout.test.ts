import t from 'tap'
import { type FakeRoutes, startFakeApi, watching } from '../cli/support.js'

const path = '/apis/apps/v1/namespaces/default/deployments'
const template = (image: string, hash?: string) => ({
  metadata: { labels: { app: 'web', ...(hash ? { 'pod-template-hash': hash } : {}) } },
  spec: { containers: [{ name: 'c', image }] }
})
const deployment = (status: object = {}, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', uid: 'u1', resourceVersion: '4', generation: 2 },
  spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template('web:v2'), ...spec },
  status: { observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3, ...status }
})
const replicaSet = (revision: number, image: string, owner = 'u1') => ({
  metadata: {
    name: `web-${revision}`,
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    ownerReferences: [{ controller: true, uid: owner }]
  },
  spec: { replicas: revision === 2 ? 3 : 0, template: template(image, `hash${revision}`) },
  status: { replicas: revision === 2 ? 3 : 0 }
})
const list = (...items: unknown[]) => ({ kind: 'List', metadata: { resourceVersion: '5' }, items })
const routes = (spec: object = {}): FakeRoutes => ({
  [`GET ${path}/web`]: () => ({ body: deployment({}, spec) }),
  [`PATCH ${path}/web`]: () => ({ body: deployment() }),
  [`PATCH ${path}/web/scale`]: () => ({ body: { kind: 'Scale', metadata: {}, spec: { replicas: 5 } } }),
  [`GET ${path}/web/scale`]: () => ({ body: { metadata: { resourceVersion: '4' }, spec: { replicas: 3 } } }),
  '/apis/apps/v1/namespaces/default/replicasets': () => ({
    body: list(replicaSet(2, 'web:v2'), replicaSet(1, 'web:v1'), replicaSet(9, 'x', 'other'))
  }),
  [path]: () => ({ body: list(deployment()) })
})

t.test('status follows the rollout in the words of kubectl', async (t) => {
  const states = [
    { observedGeneration: 1 },
    { updatedReplicas: 1 },
    { replicas: 4 },
    { availableReplicas: 2 },
    {}
  ]
  const api = await startFakeApi(t, {
    ...routes(),
    [path]: ({ query }) =>
      query.get('watch')
        ? watching(states.slice(1).map((status) => ({ type: 'MODIFIED', object: deployment(status) })))
        : { body: list(deployment(states[0])) }
  })
  const result = await api.run(['rollout', 'status', 'deploy/web'])
  t.equal(result.code, 0)
  t.same(result.stdout.trim().split('\n'), [
    'Waiting for deployment spec update to be observed...',
    'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
    'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
    'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
    'deployment "web" successfully rolled out'
  ])
})

t.test('status fails at the deadline of the deployment or of the user', async (t) => {
  const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }]
  let status: object = { conditions }
  const api = await startFakeApi(t, {
    ...routes(),
    [path]: ({ query }) => (query.get('watch') ? watching([]) : { body: list(deployment(status)) })
  })
  const failed = await api.run(['rollout', 'status', 'deployment', 'web'])
  t.equal(failed.code, 1)
  t.match(failed.stderr, 'deployment "web" exceeded its progress deadline')
  status = { availableReplicas: 0 }
  const late = await api.run(['rollout', 'status', 'deploy/web', '--timeout=200ms'])
  t.equal(late.code, 1)
  t.match(late.stderr, 'timed out waiting for the condition')
  t.equal((await api.run(['rollout', 'status', 'deploy/web', '--watch=false'])).code, 0)
})

t.test('undo gives the template of an earlier revision, without its hash', async (t) => {
  const api = await startFakeApi(t, routes())
  const result = await api.run(['rollout', 'undo', 'deploy/web'])
  t.equal(result.stdout, 'deployment.apps/web rolled back\n', result.stderr)
  t.same(api.requests.at(-1)?.body, [{ op: 'replace', path: '/spec/template', value: template('web:v1') }])
  const same = await api.run(['rollout', 'undo', 'deploy/web', '--to-revision=2'])
  t.match(same.stdout, 'skipped rollback (current template already matches revision 2)')
  const none = await api.run(['rollout', 'undo', 'deploy/web', '--to-revision=7'])
  t.equal(none.code, 1)
  t.match(none.stderr, 'unable to find specified revision 7 in history\nthere are: 1, 2')
  const paused = await startFakeApi(t, routes({ paused: true }))
  t.match(
    (await paused.run(['rollout', 'undo', 'deploy/web'])).stderr,
    'you cannot rollback a paused deployment'
  )
})

t.test('history, restart, pause, resume', async (t) => {
  const api = await startFakeApi(t, routes())
  t.match(
    (await api.run(['rollout', 'history', 'deploy/web'])).stdout,
    /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/
  )
  t.match((await api.run(['rollout', 'history', 'deploy/web', '--revision=1'])).stdout, 'web:v1')
  t.equal((await api.run(['rollout', 'restart', 'deploy/web'])).stdout, 'deployment.apps/web restarted\n')
  t.match(JSON.stringify(api.requests.at(-1)?.body), 'kubectl.kubernetes.io/restartedAt')
  t.equal((await api.run(['rollout', 'pause', 'deploy/web'])).stdout, 'deployment.apps/web paused\n')
  t.match((await api.run(['rollout', 'resume', 'deploy/web'])).stderr, 'is not paused')
  t.match((await api.run(['rollout', 'stop', 'deploy/web'])).stderr, 'status, undo, history')
  t.match((await api.run(['rollout', 'status', 'rs/web'])).stderr, 'works on deployments')
})

t.test('scale', async (t) => {
  const api = await startFakeApi(t, routes())
  const result = await api.run(['scale', 'deploy/web', '--replicas', '5'])
  t.equal(result.stdout, 'deployment.apps/web scaled\n')
  t.same(api.requests.at(-1)?.body, { spec: { replicas: 5 } })
  const guarded = await api.run(['scale', 'deploy', 'web', '--replicas=5', '--current-replicas=4'])
  t.match(guarded.stderr, 'Expected replicas to be 4, was 3')
  t.match((await api.run(['scale', 'deploy/web'])).stderr, 'Missing required flag replicas')
  t.match((await api.run(['scale', 'cm/x', '--replicas=1'])).stderr, "configmaps can't be scaled")
})
