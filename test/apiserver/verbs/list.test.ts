import t from 'tap'
import type { StatusError } from '../../../src/base/status.js'
import { listEntities } from '../../../src/apiserver/verbs/list.js'
import { failure, configMap, fixture, pod } from '../support.js'
import type { Fixture } from '../support.js'

async function filled(count: number): Promise<Fixture> {
  const made = await fixture()
  for (let i = 0; i < count; i++) {
    const labels = { parity: i % 2 ? 'odd' : 'even' }
    await made.api.create(
      made.at('ConfigMap', 'default'),
      configMap(`c${String(i).padStart(2, '0')}`, {}, { labels })
    )
  }
  return made
}
const names = (list: { items: { metadata: { name: string } }[] }) =>
  list.items.map((item) => item.metadata.name)

t.test('an empty list is a list', async (t) => {
  const { api, at, store } = await fixture()
  const list = await api.list(at('ConfigMap', 'default'))
  t.same(list, {
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: String(store.revision) },
    items: []
  })
})

t.test('pages are of one version, with an exact count of what is left', async (t) => {
  const { api, at } = await filled(7)
  const all = at('ConfigMap', 'default')
  const first = await api.list(all, { limit: 3 })
  await api.create(all, configMap('c00a'))
  await api.delete({ ...all, name: 'c04' })
  const second = await api.list(all, { limit: 3, continue: first.metadata.continue })
  const third = await api.list(all, { limit: 3, continue: second.metadata.continue })
  t.same([names(first), names(second), names(third)], [['c00', 'c01', 'c02'], ['c03', 'c04', 'c05'], ['c06']])
  t.same(
    [first, second, third].map((page) => page.metadata.remainingItemCount),
    [4, 1, undefined]
  )
  t.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
  t.equal(third.metadata.continue, undefined)
})

t.test('with a selector a page holds what matches, and no count', async (t) => {
  const { api, at } = await filled(10)
  const first = await api.list(at('ConfigMap', 'default'), { limit: 2, labelSelector: 'parity=odd' })
  t.same(names(first), ['c01', 'c03'])
  t.equal(first.metadata.remainingItemCount, undefined)
  const rest = await api.list(at('ConfigMap', 'default'), {
    labelSelector: 'parity=odd',
    continue: first.metadata.continue
  })
  t.same(names(rest), ['c05', 'c07', 'c09'])
})

t.test('tokens expire with history, and tell how to go on', async (t) => {
  const { api, at, store } = await filled(4)
  const all = at('ConfigMap', 'default')
  const first = await api.list(all, { limit: 2 })
  await api.create(all, configMap('c99'))
  await store.compact(store.revision)
  const expired = await failure(api.list(all, { limit: 2, continue: first.metadata.continue }))
  t.equal(expired.code, 410)
  t.equal(expired.reason, 'Expired')
  const rest = await api.list(all, { continue: expired.status.metadata.continue })
  t.same(names(rest), ['c02', 'c03', 'c99'])
  const old = await failure(
    api.list(all, { resourceVersion: first.metadata.resourceVersion, resourceVersionMatch: 'Exact' })
  )
  t.equal(old.code, 410)
})

t.test('versions: newest, not older than, exactly', async (t) => {
  const { api, at, store } = await filled(2)
  const all = at('ConfigMap', 'default')
  const before = String(store.revision)
  await api.create(all, configMap('later'))
  t.equal((await api.list(all, { resourceVersion: '0' })).items.length, 3)
  t.equal((await api.list(all, { resourceVersion: before })).items.length, 3)
  const exact = await api.list(all, { resourceVersion: before, resourceVersionMatch: 'Exact' })
  t.equal(exact.items.length, 2)
  t.equal(exact.metadata.resourceVersion, before)
  t.equal(
    (await api.list(all, { resourceVersion: before, limit: 10 })).items.length,
    2,
    'a limit alone means exactly'
  )
  const future = await failure(api.list(all, { resourceVersion: '999999' }))
  t.equal(future.code, 504)
  t.match(future.status.details, { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge' }] })
})

t.test('what upstream refuses', async (t) => {
  const { core, at, api } = await filled(3)
  const { metadata } = await api.list(at('ConfigMap', 'default'), { limit: 1 })
  const cases: [object, number, RegExp][] = [
    [
      { resourceVersionMatch: 'Exact' },
      422,
      /resourceVersionMatch is forbidden unless resourceVersion is provided/
    ],
    [
      { resourceVersion: '0', resourceVersionMatch: 'Exact' },
      422,
      /ListOptions.meta.k8s.io "" is invalid: .*is forbidden for resourceVersion "0"/
    ],
    [{ resourceVersion: '1', resourceVersionMatch: 'Nope' }, 422, /Unsupported value: "Nope"/],
    [{ sendInitialEvents: true }, 422, /sendInitialEvents is forbidden for list/],
    [{ resourceVersion: 'abc' }, 400, /invalid resource version/],
    [{ continue: 'zzz' }, 400, /continue key is not valid/],
    [
      { continue: metadata.continue, resourceVersion: '1' },
      400,
      /specifying resource version is not allowed when using continue/
    ],
    [{ fieldSelector: 'spec.foo=1' }, 400, /^field label not supported: spec.foo$/],
    [{ labelSelector: 'a in (' }, 400, /unable to parse requirement/]
  ]
  for (const [options, code, text] of cases) {
    let error: StatusError | undefined
    try {
      listEntities(core, at('ConfigMap', 'default'), options)
    } catch (caught) {
      error = caught as StatusError
    }
    t.equal(error?.code, code, JSON.stringify(options))
    t.match(error?.message, text)
  }
})

t.test('field selectors', async (t) => {
  const { api, at } = await fixture()
  for (const name of ['a', 'b']) await api.create(at('Pod', 'default'), pod(name))
  await api.create(at('Pod', 'default', 'b', 'binding'), { target: { name: 'n1' } })
  const select = async (fieldSelector: string) => names(await api.list(at('Pod'), { fieldSelector }))
  t.same(await select('spec.nodeName=n1'), ['b'])
  t.same(await select('spec.nodeName='), ['a'])
  t.same(await select('metadata.name!=a,status.phase=Pending'), ['b'])
  t.same(await select('metadata.namespace=other'), [])
})
