import t from 'tap'
import { dig, startServer } from '../server.js'
import { kindOf, pod } from '../support.js'

const account = '/api/v1/namespaces/default/serviceaccounts/default'
const claimsOf = (token: string): Record<string, number> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, number>

t.test('tokens of service accounts', async (t) => {
  const server = await startServer()
  t.teardown(() => server.close())
  const api = server.server.transport({ name: 'test', groups: ['system:masters'] })
  await api.create(
    { kind: kindOf('ServiceAccount'), namespace: 'default' },
    { metadata: { name: 'default' } }
  )
  await api.create({ kind: kindOf('Pod'), namespace: 'default' }, pod('p'))
  const request = (spec: object, path = account) => server.call('POST', `${path}/token`, { body: { spec } })
  const issue = async (spec: object) => dig<string>((await request(spec)).body, 'status.token')
  const review = async (token: string, audiences?: string[]) =>
    dig<{ authenticated?: boolean }>(
      (
        await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
          body: { spec: { token, ...(audiences ? { audiences } : {}) } }
        })
      ).body,
      'status'
    )

  const plain = await request({})
  t.match(plain, { code: 201, body: { kind: 'TokenRequest', spec: { expirationSeconds: 3600 } } })
  const claims = claimsOf(dig<string>(plain.body, 'status.token'))
  t.match(claims, {
    sub: 'system:serviceaccount:default:default',
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'default' } }
  })
  t.equal((claims['exp'] ?? 0) - (claims['iat'] ?? 0), 3600)
  t.match(await review(dig<string>(plain.body, 'status.token')), {
    authenticated: true,
    user: {
      username: 'system:serviceaccount:default:default',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']
    }
  })
  const asAccount = await server.call('GET', '/api/v1/pods', {
    token: dig<string>(plain.body, 'status.token')
  })
  t.match(asAccount, {
    code: 403,
    body: { message: /^pods is forbidden: User "system:serviceaccount:default:default" cannot list/ }
  })

  const vault = await issue({ audiences: ['vault'] })
  t.equal((await server.call('GET', '/api', { token: vault })).code, 401, 'meant for someone else')
  t.match(await review(vault, ['vault', 'other']), { authenticated: true, audiences: ['vault'] })
  t.notOk((await review(vault)).authenticated)

  t.match(await request({ expirationSeconds: 60 }), {
    code: 422,
    body: { message: /may not specify a duration less than 10 minutes/ }
  })
  t.equal((await request({}, account.replace(/default$/, 'nope'))).code, 404)
  t.equal((await request({ boundObjectRef: { kind: 'Pod', name: 'nope' } })).code, 404)
  t.equal((await request({ boundObjectRef: { kind: 'Pod', name: 'p', uid: 'other' } })).code, 409)
  const bound = await issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } })
  t.match(await review(bound), {
    authenticated: true,
    user: { extra: { 'authentication.kubernetes.io/pod-name': ['p'] } }
  })
  await api.delete({ kind: kindOf('Pod'), namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
  t.notOk((await review(bound)).authenticated, 'it dies with its pod')

  const [head, , signature] = dig<string>(plain.body, 'status.token').split('.')
  const forged = Buffer.from(
    JSON.stringify({ ...claims, sub: 'system:serviceaccount:kube-system:root' })
  ).toString('base64url')
  t.notOk((await review(`${String(head)}.${forged}.${String(signature)}`)).authenticated)
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${forged}.`
  t.notOk((await review(none)).authenticated)
  await api.delete({ kind: kindOf('ServiceAccount'), namespace: 'default', name: 'default' })
  t.notOk((await review(dig<string>(plain.body, 'status.token'))).authenticated, 'and with its account')
})
