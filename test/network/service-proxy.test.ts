import t from 'tap'
import { parseCidr } from '../../src/base/ip.js'
import { silentLogger } from '../../src/base/logger.js'
import { encodeChange, encodeTable, entryKey, shapeOf } from '../../src/network/nft/service-table.js'
import type { ServiceEntry } from '../../src/network/nft/service-table.js'
import { ServiceProxy } from '../../src/network/service-proxy.js'
import type { RuntimeNetwork } from '../../src/runtime/runtime.js'

const serviceCidr = parseCidr('10.96.0.0/16') ?? (t.bailout('range') as never)
const entry = (ip: string, endpoints: string[], more: Partial<ServiceEntry> = {}): ServiceEntry => ({
  ip,
  protocol: 'TCP',
  port: 80,
  endpoints: endpoints.map((e) => ({ ip: e, port: 8080 })),
  ...more
})
const wholeOf = (entries: ServiceEntry[], shape = shapeOf(entries)) =>
  encodeTable(new Map(entries.map((e) => [entryKey(e), e])), shape, serviceCidr)
const changeOf = (before: ServiceEntry[], after: ServiceEntry[], seen: ServiceEntry[]) =>
  encodeChange(before, after, shapeOf(seen), shapeOf([...seen, ...after]))

function setUp(sandboxes: string[]) {
  const calls: { ids: string[]; batch: Buffer }[] = []
  const conntrack: { ids: string[]; batch: Buffer }[] = []
  const timers: (() => void)[] = []
  const state = {
    failing: new Set<string>(),
    down: false,
    sandboxes,
    prepare: (_: string) => Promise.resolve()
  }
  const network: RuntimeNetwork = {
    podCidr: '10.88.0.0/16',
    gateway: '10.88.0.1',
    applyNetfilter: (ids, batch) => {
      if (state.down) return Promise.reject(new Error('agent gone'))
      calls.push({ ids: [...ids], batch: Buffer.from(batch) })
      const failed = ids.filter((id) => state.failing.has(id))
      return Promise.resolve(failed.map((sandboxId) => ({ sandboxId, error: 'ENOENT' })))
    },
    applyConntrack: (ids, batch) => {
      conntrack.push({ ids: [...ids], batch })
      return Promise.resolve()
    },
    onSandbox: (prepare) => {
      state.prepare = prepare
    },
    sandboxIds: () => state.sandboxes
  }
  const clock = {
    now: () => new Date(),
    after: (_: number, callback: () => void) => {
      timers.push(callback)
      return () => timers.splice(timers.indexOf(callback), 1)
    }
  }
  const proxy = new ServiceProxy({ network, serviceCidr, clock, logger: silentLogger })
  return { proxy, calls, conntrack, timers, state }
}

t.test('whole table at the start, single elements afterwards', async (t) => {
  const { proxy, calls } = setUp(['s1', 's2'])
  const before = entry('10.96.0.5', ['10.88.0.2', '10.88.0.3'])
  proxy.set('a', [before])
  await proxy.start()
  t.same(calls, [{ ids: ['s1', 's2'], batch: wholeOf([before]) }])
  const after = entry('10.96.0.5', ['10.88.0.3'])
  proxy.set('a', [after])
  await proxy.flushed()
  t.same(calls[1], { ids: ['s1', 's2'], batch: changeOf([before], [after], [before]) })
  proxy.set('a', [entry('10.96.0.5', ['10.88.0.3'])])
  await proxy.flushed()
  t.equal(calls.length, 2, 'nothing to do')
})

t.test('changes of one tick go together', async (t) => {
  const { proxy, calls } = setUp(['s1'])
  await proxy.start()
  calls.length = 0
  for (let i = 1; i < 50; i++) proxy.set(`s${String(i)}`, [entry(`10.96.0.${String(i)}`, ['10.88.0.2'])])
  await proxy.flushed()
  t.equal(calls.length, 1)
})

t.test('a new sandbox has the table before it is handed out, and later changes', async (t) => {
  const { proxy, calls, state } = setUp([])
  await proxy.start()
  const first = entry('10.96.0.5', ['10.88.0.2'])
  proxy.set('a', [first])
  await state.prepare('new')
  t.same(calls, [{ ids: ['new'], batch: wholeOf([first]) }])
  const second = entry('10.96.0.5', ['10.88.0.9'])
  proxy.set('a', [second])
  await proxy.flushed()
  t.same(calls[1]?.ids, ['new'], 'although the runtime does not list it yet')
  state.sandboxes = ['new']
  proxy.set('a', [first])
  await proxy.flushed()
  state.sandboxes = []
  proxy.set('a', [second])
  await proxy.flushed()
  t.equal(calls.length, 3, 'gone')
  state.failing.add('bad')
  await t.rejects(state.prepare('bad'), { code: 'MK_AGENT_FAILED' })
})

t.test('a sandbox that failed gets its whole table again', async (t) => {
  const { proxy, calls, state, timers } = setUp(['s1', 's2'])
  await proxy.start()
  state.failing.add('s2')
  const one = entry('10.96.0.5', ['10.88.0.2'])
  proxy.set('a', [one])
  await proxy.flushed()
  t.same(calls.at(-1), { ids: ['s2'], batch: wholeOf([one]) })
  t.equal(timers.length, 1, 'and is tried again later')
  state.failing.clear()
  timers[0]?.()
  await new Promise((resolve) => setImmediate(resolve))
  await proxy.flushed()
  t.same(calls.at(-1), { ids: ['s2'], batch: wholeOf([one]) })
  t.equal(timers.length, 0)
  state.down = true
  proxy.set('a', [])
  await proxy.flushed()
  t.equal(timers.length, 1)
  state.down = false
  await proxy.flushed()
  t.same(calls.at(-1), { ids: ['s1', 's2'], batch: wholeOf([], shapeOf([one])) })
})

t.test('UDP connections to an endpoint that went away are forgotten', async (t) => {
  const { proxy, conntrack } = setUp(['s1'])
  const udp = (endpoints: string[]) => entry('10.96.0.5', endpoints, { protocol: 'UDP' })
  proxy.set('a', [udp(['10.88.0.2', '10.88.0.3'])])
  await proxy.start()
  t.equal(conntrack.length, 0)
  proxy.set('a', [udp(['10.88.0.3'])])
  await proxy.flushed()
  t.equal(conntrack.length, 1)
  t.equal(conntrack[0]?.batch.readUInt32LE(0), conntrack[0]?.batch.length, 'one message')
  proxy.set('a', [])
  await proxy.flushed()
  t.equal(conntrack.length, 2)
})

t.test("two owners of one address do not get in each other's way", async (t) => {
  const { proxy, calls } = setUp(['s1'])
  await proxy.start()
  const mine = entry('192.0.2.1', ['10.88.0.2'])
  const theirs = entry('192.0.2.1', ['10.88.0.3'])
  proxy.set('b', [theirs])
  await proxy.flushed()
  proxy.set('a', [mine])
  await proxy.flushed()
  t.same(calls.at(-1)?.batch, changeOf([theirs], [mine], [theirs]))
  proxy.set('a', [])
  await proxy.flushed()
  t.same(calls.at(-1)?.batch, changeOf([mine], [theirs], [theirs]))
})
