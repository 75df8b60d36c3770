import t from 'tap'
import { events as eventKind } from '../../src/api/kinds/events.js'
import { silentLogger } from '../../src/base/logger.js'
import { statusErrors } from '../../src/base/status.js'
import { createClient } from '../../src/client/client.js'
import { createEventRecorder } from '../../src/client/events.js'
import { FakeClock } from '../fixtures/fake-clock.js'
import { MemoryTransport } from '../fixtures/memory-transport.js'

function setUp() {
  const transport = new MemoryTransport()
  const clock = new FakeClock()
  const client = createClient(transport)
  const recorder = createEventRecorder({
    client,
    component: 'kubelet',
    host: 'n1',
    clock,
    logger: silentLogger
  })
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '7' }
  }
  const say = (message: string, fieldPath?: string) => {
    recorder.event(object, { type: 'Normal', reason: 'Pulled', message, fieldPath })
  }
  const list = async () => {
    await recorder.flushed()
    return (await client.of(eventKind).list({ namespace: 'default' })).items
  }
  return { transport, clock, client, recorder, object, say, list }
}

void t.test('writes an event as upstream does', async (t) => {
  const { say, list } = setUp()
  say('Container image "app" already present', 'spec.containers{c}')
  const [event] = await list()
  t.match(event?.metadata.name, /^p\.[0-9a-f]{16}$/)
  t.match(event, {
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: 'default',
      name: 'p',
      uid: 'u',
      resourceVersion: '7',
      fieldPath: 'spec.containers{c}'
    },
    reason: 'Pulled',
    type: 'Normal',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'kubelet', host: 'n1' },
    reportingComponent: 'kubelet',
    reportingInstance: 'n1'
  })
})

void t.test('the same again counts up; after a clean-up it is new', async (t) => {
  const { say, list, clock, client } = setUp()
  say('again')
  await clock.advance(5000)
  say('again')
  say('another')
  const events = await list()
  t.same(
    events.map(({ message, count }) => [message, count]),
    [
      ['again', 2],
      ['another', 1]
    ]
  )
  t.equal(events[0]?.firstTimestamp, '2026-01-01T00:00:00Z')
  t.equal(events[0]?.lastTimestamp, '2026-01-01T00:00:05Z')
  for (const { metadata } of events) await client.of(eventKind).delete(metadata)
  say('again')
  t.same(
    (await list()).map(({ count }) => count),
    [1]
  )
})

void t.test('many that differ in their message only become one', async (t) => {
  const { say, list } = setUp()
  for (let i = 0; i < 20; i++) say(`message ${String(i)}`)
  const events = await list()
  t.equal(events.length, 11)
  t.match(events.at(-1), { count: 10, message: '(combined from similar events): message 19' })
})

void t.test('an object that never stops is cut', async (t) => {
  const { say, list, clock, transport } = setUp()
  for (let i = 0; i < 100; i++) say('again')
  t.equal((await list())[0]?.count, 25)
  await clock.advance(300_000)
  for (let i = 0; i < 10; i++) say('again')
  t.equal((await list())[0]?.count, 26)
  t.equal(transport.calls.filter((call) => /^(create|patch)/.test(call)).length, 26)
})

void t.test('never throws', async (t) => {
  const { say, list, transport, recorder, object } = setUp()
  transport.failNext('create', statusErrors.unavailable('down'))
  say('lost')
  t.same(await list(), [])
  say('kept')
  t.equal((await list()).length, 1)
  const { namespace: _, ...metadata } = object.metadata
  recorder.event(
    { ...object, kind: 'Node', metadata },
    { type: 'Warning', reason: 'NodeNotReady', message: 'x' }
  )
  t.ok(
    (await list()).some(({ involvedObject }) => involvedObject.kind === 'Node'),
    'cluster-scoped: in default'
  )
})
