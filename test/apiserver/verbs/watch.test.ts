import t from 'tap'
import type { Clock } from '../../../src/base/clock.js'
import { watchEntities } from '../../../src/apiserver/verbs/watch.js'
import { configMap, fixture, lines, record } from '../support.js'

/** A clock whose timers go off when the test says so. */
function handClock() {
  let now = Date.parse('2026-01-01T00:00:00Z')
  let timers: { at: number; run: () => void }[] = []
  const clock: Clock = {
    now: () => new Date(now),
    after: (delayMs, run) => {
      const timer = { at: now + delayMs, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((one) => one !== timer)
      }
    }
  }
  const advance = (ms: number) => {
    now += ms
    const due = timers.filter((timer) => timer.at <= now)
    timers = timers.filter((timer) => timer.at > now)
    for (const timer of due) timer.run()
  }
  return { clock, advance }
}

t.test('a watch from a version gives what came after, in order', async (t) => {
  const { api, at } = await fixture()
  const all = at('ConfigMap', 'default')
  const first = await api.create(all, configMap('a'))
  await api.create(all, configMap('b'))
  const watch = record(api, all, { resourceVersion: first.metadata.resourceVersion })
  await watch.until(1)
  await api.patch({ ...all, name: 'b' }, 'merge', { data: { x: '1' } })
  await api.delete({ ...all, name: 'b' })
  t.same(lines(await watch.until(3)), ['ADDED b', 'MODIFIED b', 'DELETED b'])
  const versions = watch.events.map((event) => Number(event.object.metadata.resourceVersion))
  t.ok(
    versions.every((version, i) => i === 0 || version > (versions[i - 1] ?? 0)),
    'also that of the deletion'
  )
  watch.close()
  await api.create(all, configMap('c'))
  t.equal(watch.events.length, 3)
})

t.test('a watch from nowhere begins with what is there', async (t) => {
  const { api, at } = await fixture()
  const all = at('ConfigMap', 'default')
  for (const name of ['b', 'a']) await api.create(all, configMap(name))
  for (const options of [{}, { resourceVersion: '0' }]) {
    const watch = record(api, all, options)
    t.equal(watch.events.length, 0, 'not inside the call')
    t.same(lines(await watch.until(2)), ['ADDED a', 'ADDED b'])
    watch.close()
  }
})

t.test('the initial list of a WatchList ends with a marked bookmark', async (t) => {
  const { api, at, store } = await fixture()
  const all = at('ConfigMap', 'default')
  await api.create(all, configMap('a'))
  const watch = record(api, all, { sendInitialEvents: true, allowWatchBookmarks: true })
  await watch.until(2)
  const [, bookmark] = watch.events
  t.equal(bookmark?.type, 'BOOKMARK')
  t.match(bookmark?.object, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      resourceVersion: String(store.revision),
      annotations: { 'k8s.io/initial-events-end': 'true' }
    }
  })
  await api.create(all, configMap('b'))
  t.equal(lines(await watch.until(3))[2], 'ADDED b')
  watch.close()
})

t.test('entering a selection is ADDED, leaving it DELETED with the version of the change', async (t) => {
  const { api, at } = await fixture()
  const all = at('ConfigMap', 'default')
  const label = (value: string) =>
    api.patch({ ...all, name: 'a' }, 'merge', { metadata: { labels: { on: value } } })
  const made = await api.create(all, configMap('a', {}, { labels: { on: 'no' } }))
  const watch = record(api, all, { resourceVersion: made.metadata.resourceVersion, labelSelector: 'on=yes' })
  await label('yes')
  await api.patch({ ...all, name: 'a' }, 'merge', { data: { x: '1' } })
  const left = await label('no')
  await label('yes')
  await api.delete({ ...all, name: 'a' })
  t.same(lines(await watch.until(5)), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a'])
  const gone = watch.events[2]?.object
  t.equal(gone?.metadata.labels?.['on'], 'yes', 'the last state that matched')
  t.equal(gone?.metadata.resourceVersion, left.metadata.resourceVersion)
  watch.close()
})

t.test('one object by name, and one namespace', async (t) => {
  const { api, at } = await fixture()
  await api.create(at('Namespace'), { metadata: { name: 'other' } })
  const one = record(api, at('ConfigMap', 'default', 'b'), {})
  const space = record(api, at('ConfigMap', 'default'), {})
  for (const [namespace, name] of [
    ['default', 'a'],
    ['other', 'b'],
    ['default', 'b']
  ] as const) {
    await api.create(at('ConfigMap', namespace), configMap(name))
  }
  t.same(lines(await one.until(1)), ['ADDED b'])
  t.equal(one.events[0]?.object.metadata.namespace, 'default')
  t.same(lines(await space.until(2)), ['ADDED a', 'ADDED b'])
  one.close()
  space.close()
})

t.test('history that is gone, and versions that never were', async (t) => {
  const { api, at, store } = await fixture()
  const all = at('ConfigMap', 'default')
  const old = (await api.create(all, configMap('a'))).metadata.resourceVersion
  await api.create(all, configMap('b'))
  await store.compact(store.revision)
  const expired = await record(api, all, { resourceVersion: old }).ended
  t.equal(expired?.code, 410)
  t.match(expired?.message, new RegExp(`^too old resource version: ${old} \\(\\d+\\)$`))
  t.equal((await record(api, all, { resourceVersion: '999999' }).ended)?.code, 504)
  t.equal((await record(api, all, { resourceVersion: 'x' }).ended)?.code, 400)
})

t.test('options that make no sense are refused', async (t) => {
  const { core, at } = await fixture()
  const watcher = { onEvents: () => {}, onEnd: () => {} }
  const start = (options: object) => () => watchEntities(core, at('ConfigMap'), options, watcher)
  t.throws(
    start({ sendInitialEvents: true }),
    /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/
  )
  t.throws(
    start({ resourceVersionMatch: 'NotOlderThan' }),
    /resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided/
  )
  t.throws(
    start({ sendInitialEvents: true, resourceVersionMatch: 'Exact' }),
    /supported values: "NotOlderThan"/
  )
})

t.test('bookmarks come each minute and before the end', async (t) => {
  const { clock, advance } = handClock()
  const { api, at, store } = await fixture({ clock })
  const watch = record(api, at('ConfigMap', 'default'), { allowWatchBookmarks: true, timeoutSeconds: 90 })
  // Another kind's change moves the bookmark on, too.
  await api.create(at('ServiceAccount', 'default'), { metadata: { name: 'x' } })
  advance(60_000)
  t.same(
    watch.events.map((event) => event.type),
    ['BOOKMARK']
  )
  t.match(watch.events[0]?.object, { kind: 'ConfigMap', apiVersion: 'v1' })
  await new Promise((resolve) => setImmediate(resolve))
  advance(30_000)
  t.equal(await watch.ended, undefined, 'a clean end')
  t.equal(watch.events.length, 2)
  t.equal(watch.events[1]?.object.metadata.resourceVersion, String(store.revision))
})
