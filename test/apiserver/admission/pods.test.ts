import t from 'tap'
import type { Ingress, Pod } from '../../../src/api/types.js'
import { failure, fixture, sure, pod } from '../support.js'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

t.test('a pod gets an account and its token, unless told otherwise', async (t) => {
  const { api, at } = await fixture()
  const make = async (name: string, spec = {}) =>
    sure<Pod>(await api.create(at('Pod', 'default'), pod(name, { spec }))).spec
  const plain = await make('plain')
  t.equal(plain.serviceAccountName, 'default')
  t.match(plain.containers[0]?.volumeMounts, [
    { mountPath, readOnly: true, name: /^kube-api-access-[a-z0-9]{5}$/ }
  ])
  t.match(plain.volumes, [
    {
      projected: {
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
          { configMap: { name: 'kube-root-ca.crt' } },
          {}
        ]
      }
    }
  ])
  t.notOk((await make('without', { automountServiceAccountToken: false })).volumes)
  await api.create(at('ServiceAccount', 'default'), {
    metadata: { name: 'quiet' },
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: 'pull' }]
  })
  const quiet = await make('quiet', { serviceAccountName: 'quiet' })
  t.notOk(quiet.volumes)
  t.same(quiet.imagePullSecrets, [{ name: 'pull' }])
  const missing = await failure(make('missing', { serviceAccountName: 'nope' }))
  t.equal(missing.code, 403)
  t.equal(
    missing.message,
    'pods "missing" is forbidden: error looking up service account default/nope: serviceaccounts "nope" not found'
  )
})

t.test('tolerations and priority', async (t) => {
  const { api, at } = await fixture()
  const make = async (name: string, spec = {}) =>
    sure<Pod>(await api.create(at('Pod', 'default'), pod(name, { spec }))).spec
  const plain = await make('plain')
  t.same(
    plain.tolerations.map((one: { key: string }) => one.key),
    ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
  )
  t.equal(plain.priority, 0)
  t.equal((await make('all', { tolerations: [{ operator: 'Exists' }] })).tolerations.length, 1)
  const unknown = await failure(make('unknown', { priorityClassName: 'nope' }))
  t.equal(unknown.message, 'pods "unknown" is forbidden: no PriorityClass with name nope was found')
  const classes = at('PriorityClass')
  await api.create(classes, { metadata: { name: 'high' }, value: 1000 })
  await api.create(classes, { metadata: { name: 'usual' }, value: 10, globalDefault: true })
  t.equal((await make('high', { priorityClassName: 'high' })).priority, 1000)
  t.match(await make('usual'), { priority: 10, priorityClassName: 'usual' })
  t.equal((await failure(make('own', { priority: 5 }))).code, 403)
})

t.test('an ingress without a class gets the default one', async (t) => {
  const { api, at } = await fixture()
  const ingress = (name: string, spec = {}) => ({
    metadata: { name },
    spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, ...spec }
  })
  const before = sure<Ingress>(await api.create(at('Ingress', 'default'), ingress('a')))
  t.equal(before.spec.ingressClassName, undefined)
  await api.create(at('IngressClass'), {
    metadata: { name: 'mk', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'mk/ingress' }
  })
  t.equal(sure<Ingress>(await api.create(at('Ingress', 'default'), ingress('b'))).spec.ingressClassName, 'mk')
  t.equal(
    sure<Ingress>(await api.create(at('Ingress', 'default'), ingress('c', { ingressClassName: 'own' }))).spec
      .ingressClassName,
    'own'
  )
})
