import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type FakeRoutes, startFakeApi, watching } from '../cli/support.js'

const pods = '/api/v1/namespaces/default/pods'
const pod = (name: string, uid = `uid-${name}`) => ({
  metadata: { name, namespace: 'default', uid, resourceVersion: '3' }
})
const success = (uid: string) => ({ kind: 'Status', status: 'Success', details: { uid } })

/** Pods that go away when their deletion is watched. */
function podRoutes(names: string[]): FakeRoutes {
  const here = new Set(names)
  const routes: FakeRoutes = {
    [`GET ${pods}`]: ({ query }) => {
      const name = query.get('fieldSelector')?.replace('metadata.name=', '')
      if (query.get('watch') && name) {
        here.delete(name)
        return watching([{ type: 'DELETED', object: pod(name) }])
      }
      const items = [...here].filter((n) => !name || n === name).map((n) => pod(n))
      return { body: { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '5' }, items } }
    }
  }
  for (const name of names) routes[`DELETE ${pods}/${name}`] = () => ({ body: pod(name) })
  return routes
}

t.test('deletes by name and waits until the object is gone', async (t) => {
  const api = await startFakeApi(t, podRoutes(['a', 'b']))
  const result = await api.run(['delete', 'pod', 'a', 'b'])
  t.equal(
    result.stdout,
    'pod "a" deleted from default namespace\npod "b" deleted from default namespace\n',
    result.stderr
  )
  t.equal(result.code, 0)
  const body = api.requests.find((request) => request.method === 'DELETE')?.body
  t.match(body, { propagationPolicy: 'Background' })
  t.notOk(body && typeof body === 'object' && 'gracePeriodSeconds' in body)
  t.equal(api.requests.filter((request) => request.query.get('watch')).length, 2)
})

t.test('grace, force and cascade', async (t) => {
  const api = await startFakeApi(t, podRoutes(['a']))
  const options = async (...flags: string[]) => {
    await api.run(['delete', 'pod/a', '--wait=false', ...flags])
    return api.requests.at(-1)?.body as Record<string, unknown>
  }
  t.equal((await options('--grace-period=5'))['gracePeriodSeconds'], 5)
  t.equal((await options('--force'))['gracePeriodSeconds'], 0)
  t.equal(
    (await options('--grace-period=0'))['gracePeriodSeconds'],
    1,
    'zero without force would leave it running'
  )
  t.equal((await options('--now'))['gracePeriodSeconds'], 1)
  t.equal((await options('--cascade=orphan'))['propagationPolicy'], 'Orphan')
  t.same((await options('--dry-run=server'))['dryRun'], ['All'])
})

t.test('another object of the same name is not waited for', async (t) => {
  const api = await startFakeApi(t, {
    [`DELETE ${pods}/a`]: () => ({ body: success('old') }),
    [`GET ${pods}`]: () => ({
      body: {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: '5' },
        items: [pod('a', 'new')]
      }
    })
  })
  t.equal((await api.run(['delete', 'pod', 'a'])).code, 0)
})

t.test('a wait has an end', async (t) => {
  const api = await startFakeApi(t, {
    [`DELETE ${pods}/a`]: () => ({ body: pod('a') }),
    [`GET ${pods}`]: ({ query }) =>
      query.get('watch') ? watching([]) : { body: { metadata: { resourceVersion: '5' }, items: [pod('a')] } }
  })
  const result = await api.run(['delete', 'pod', 'a', '--timeout=200ms'])
  t.equal(result.code, 1)
  t.match(result.stderr, 'timed out waiting for pod/a to be deleted')
})

t.test('by selector, by file, and what is not there', async (t) => {
  const api = await startFakeApi(t, podRoutes(['a', 'b']))
  t.match((await api.run(['delete', 'pods'])).stderr, 'no name was specified')
  const chosen = await api.run(['delete', 'pods', '-l', 'app=x', '--wait=false', '-o', 'name'])
  t.equal(chosen.stdout, 'pod/a\npod/b\n')
  const both =
    'apiVersion: v1\nkind: Namespace\nmetadata: { name: space }\n---\napiVersion: v1\nkind: Pod\nmetadata: { name: a }\n'
  writeFileSync(join(api.home, 'both.yaml'), both)
  const result = await api.run(['delete', '-f', 'both.yaml', '--wait=false'])
  t.equal(result.code, 1)
  t.match(result.stdout, 'pod "a" deleted', 'the pod goes before its namespace')
  t.match(result.stderr, 'namespaces "space" not found')
  t.equal((await api.run(['delete', '-f', 'both.yaml', '--wait=false', '--ignore-not-found'])).code, 0)
})

t.test('the cluster is deleted only after a yes', async (t) => {
  const api = await startFakeApi(t, {})
  const result = await api.run(['delete', 'cluster'])
  t.equal(result.code, 1)
  t.match(result.stderr, 'add --yes')
  t.match((await api.run(['delete', 'cluster', 'other', '--yes'])).stderr, 'there is no cluster "other"')
})
