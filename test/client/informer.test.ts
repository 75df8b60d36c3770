import t from 'tap'
import type { Kind } from '../../src/api/kind.js'
import { silentLogger } from '../../src/base/logger.js'
import type { KubeObject } from '../../src/base/object.js'
import { statusErrors } from '../../src/base/status.js'
import { createClient } from '../../src/client/client.js'
import { createInformerFactory } from '../../src/client/informer-factory.js'
import { createInformer } from '../../src/client/informer.js'
import { FakeClock, settle } from '../fixtures/fake-clock.js'
import { MemoryTransport } from '../fixtures/memory-transport.js'

interface Thing extends KubeObject {
  spec?: { color: string }
}

const things: Kind<Thing> = {
  group: 'x',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  singular: 'thing',
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: [],
  schema: '',
  subresources: [],
  columns: []
}

function setUp() {
  const transport = new MemoryTransport()
  const clock = new FakeClock()
  const client = createClient(transport)
  const options = { client, clock, logger: silentLogger }
  const informer = createInformer({ ...options, kind: things })
  const changes: string[] = []
  informer.onChange(({ type, object, previous }) => {
    changes.push(
      `${type} ${object.metadata.name}${previous && type === 'updated' ? ` ${previous.spec?.color ?? ''}` : ''}`
    )
  })
  const create = (name: string, color = 'red', namespace = 'default') =>
    client.of(things).create({ metadata: { name, namespace }, spec: { color } })
  return { transport, clock, client, options, informer, changes, create }
}

void t.test('lists, then follows the watch', async (t) => {
  const { client, informer, changes, create } = setUp()
  await create('a')
  t.equal(informer.isSynced, false)
  informer.start()
  await informer.synced()
  t.same(changes, ['added a'])
  await create('b')
  const a = await client.of(things).get({ namespace: 'default', name: 'a' })
  await client.of(things).update({ ...a, spec: { color: 'blue' } })
  await client.of(things).delete({ namespace: 'default', name: 'b' })
  await settle()
  t.same(changes, ['added a', 'added b', 'updated a red', 'deleted b'])
  t.equal(informer.get('default/a')?.spec?.color, 'blue')
  t.equal(informer.get('default/a')?.kind, 'Thing')
  const late: string[] = []
  informer.onChange(({ type, object }) => late.push(`${type} ${object.metadata.name}`))
  t.same(late, ['added a'], 'a late listener hears of what is there')
  informer.stop()
  await create('c')
  await settle()
  t.equal(informer.get('default/c'), undefined)
})

void t.test('an expired watch lists again and reports the differences', async (t) => {
  const { transport, clock, client, informer, changes, create } = setUp()
  await create('gone')
  await create('kept')
  await create('again')
  informer.start()
  await informer.synced()
  await settle()
  changes.length = 0
  const ended = transport.watchers
  t.equal(ended, 1)
  transport.endWatches(statusErrors.expired('too old resource version: 1 (9)'))
  await client.of(things).delete({ namespace: 'default', name: 'gone' })
  await client.of(things).delete({ namespace: 'default', name: 'again' })
  await create('again')
  await create('new')
  await clock.advance(100)
  t.same(changes.sort(), ['added again', 'added new', 'deleted again', 'deleted gone'])
  t.equal(transport.watchers, 1)
  informer.stop()
  t.equal(transport.watchers, 0)
})

void t.test('errors back off', async (t) => {
  const { transport, clock, informer, create } = setUp()
  await create('a')
  for (let i = 0; i < 3; i++) transport.failNext('list', statusErrors.unavailable('down'))
  informer.start()
  await settle()
  const lists = () => transport.calls.filter((call) => call.startsWith('list')).length
  t.equal(lists(), 1)
  await clock.advance(100)
  t.equal(lists(), 2)
  await clock.advance(199)
  t.equal(lists(), 2)
  await clock.advance(1)
  t.equal(lists(), 3)
  await clock.advance(400)
  t.equal(informer.isSynced, true)
  transport.endWatches(statusErrors.internal('x'))
  t.equal(transport.watchers, 0)
  await clock.advance(100)
  t.equal(transport.watchers, 1, 'the watch is taken up again')
  t.equal(lists(), 4, 'without a list')
  transport.endWatches(statusErrors.internal('x'))
  informer.stop()
  t.equal(clock.pending, 0)
})

void t.test('a failing listener does not stop the others', async (t) => {
  const { informer, changes, create, options } = setUp()
  const failing = createInformer({ ...options, kind: things })
  failing.onChange(() => {
    throw new Error('listener')
  })
  failing.onChange(({ object }) => changes.push(object.metadata.name))
  await create('a')
  failing.start()
  await failing.synced()
  t.same(changes, ['a'])
  failing.stop()
  informer.stop()
})

void t.test('indexes', async (t) => {
  const { client, informer, create } = setUp()
  informer.index('color', (thing) => [thing.spec?.color ?? ''])
  await create('a', 'red', 'one')
  await create('b', 'red', 'two')
  informer.start()
  await informer.synced()
  const names = (list: Thing[]) => list.map((thing) => thing.metadata.name).sort()
  t.same(names(informer.byIndex('color', 'red')), ['a', 'b'])
  t.same(names(informer.list('one')), ['a'])
  t.same(names(informer.list()), ['a', 'b'])
  const a = await client.of(things).get({ namespace: 'one', name: 'a' })
  await client.of(things).update({ ...a, spec: { color: 'blue' } })
  await client.of(things).delete({ namespace: 'two', name: 'b' })
  await settle()
  t.same(informer.byIndex('color', 'red'), [])
  t.same(names(informer.byIndex('color', 'blue')), ['a'])
  t.throws(() => informer.byIndex('shape', 'round'), /no index shape/)
  informer.stop()
})

void t.test('a factory shares one informer per kind', async (t) => {
  const { options, create, transport } = setUp()
  const factory = createInformerFactory(options)
  await create('a')
  t.equal(factory.of(things), factory.of(things))
  factory.start()
  await factory.synced()
  t.equal(factory.of(things).list().length, 1)
  const others = { ...things, plural: 'others' }
  t.equal(factory.of(others).isSynced, false)
  await factory.synced()
  t.equal(factory.of(others).isSynced, true)
  factory.stop()
  t.equal(transport.watchers, 0)
})
