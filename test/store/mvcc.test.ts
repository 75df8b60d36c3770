import t from 'tap'
import { Mvcc } from '../../src/store/mvcc.js'
import { StoreError, type StoreEvent } from '../../src/store/store.js'

/** Applies `put key value` and `delete key` lines, one revision each. */
function stateOf(...changes: string[]): Mvcc {
  const state = new Mvcc([], 0)
  for (const change of changes) apply(state, change)
  return state
}

function apply(state: Mvcc, change: string): void {
  const [type, key = '', value = ''] = change.split(' ')
  const revision = state.revision + 1
  const previous = state.get(key)
  const record = {
    key,
    value: Buffer.from(value),
    modRevision: revision,
    createRevision: previous?.createRevision ?? revision
  }
  state.apply({ type: type as StoreEvent['type'], record, previous, revision })
}

const listed = (state: Mvcc, revision: number): string =>
  state
    .list({ prefix: '/', revision })
    .records.map((r) => `${r.key}=${String(r.value)}`)
    .join(' ')

const history = ['put /a 1', 'put /b 1', 'put /a 2', 'delete /b', 'put /c 1', 'delete /c', 'put /b 2']
const states = ['', '/a=1', '/a=1 /b=1', '/a=2 /b=1', '/a=2', '/a=2 /c=1', '/a=2', '/a=2 /b=2']

void t.test('lists as of each revision', (t) => {
  const state = stateOf(...history)
  for (const [revision, expected] of states.entries()) t.equal(listed(state, revision), expected)
  t.throws(
    () => listed(state, 8),
    new StoreError('future', 'revision 8 was never given out; the newest is 7')
  )
  t.end()
})

void t.test('lists at or after the compacted revision stay exact', (t) => {
  for (const compacted of states.keys()) {
    const state = stateOf(...history)
    state.compact(compacted)
    t.equal(state.compactedRevision, compacted)
    for (const [revision, expected] of states.entries()) {
      if (revision >= compacted)
        t.equal(listed(state, revision), expected, `${String(revision)} after ${String(compacted)}`)
      else t.throws(() => listed(state, revision), { code: 'compacted' })
    }
    t.equal(state.since(compacted, '/').length, 7 - compacted)
    if (compacted > 0) t.throws(() => state.since(compacted - 1, '/'), { code: 'compacted' })
  }
  t.end()
})

void t.test('compaction step by step, among writes', (t) => {
  const state = stateOf()
  for (let i = 0; i < 1000; i++) {
    apply(state, i % 3 === 2 ? `delete /k${String((i - 1) % 10)}` : `put /k${String(i % 10)} ${String(i)}`)
    if (i % 7 === 0) state.compact(Math.max(state.revision - 20, 0))
    t.ok(state.since(state.compactedRevision, '/').length <= 30)
  }
  t.equal(
    state
      .since(state.revision - 5, '/')
      .map((e) => e.revision)
      .join(),
    '996,997,998,999,1000'
  )
  state.compact(1000)
  t.equal(state.historyBytes, 0)
  t.throws(
    () => {
      state.compact(1001)
    },
    { code: 'future' }
  )
  t.end()
})

void t.test('pages: start, limit and what remains', (t) => {
  const state = stateOf(
    ...Array.from({ length: 2500 }, (_, i) => `put /p/${String(i).padStart(4, '0')} x`),
    'put /q x',
    'put /o x'
  )
  const keys: string[] = []
  let start = ''
  for (;;) {
    const page = state.list({ prefix: '/p/', start, limit: 700 })
    keys.push(...page.records.map((r) => r.key))
    t.equal(page.remaining, 2500 - keys.length)
    if (page.remaining === 0) break
    start = `${keys.at(-1) ?? ''}\0`
  }
  t.strictSame(
    keys,
    Array.from({ length: 2500 }, (_, i) => `/p/${String(i).padStart(4, '0')}`)
  )
  t.strictSame(state.list({ prefix: '/none/' }).records, [])
  t.equal(state.list({ prefix: '' }).records.length, 2502)
  t.end()
})

void t.test('100k keys in any order: order and prefixes', (t) => {
  const count = 100_000
  const state = new Mvcc([], 0)
  for (let i = 0; i < count; i++) apply(state, `put /n/${String((i * 7919) % count).padStart(6, '0')}/x v`)
  const all = state.list({ prefix: '/n/' }).records.map((r) => r.key)
  t.equal(all.length, count)
  t.strictSame(all, [...all].sort())
  for (let i = 0; i < 1000; i++)
    t.equal(state.list({ prefix: `/n/${String(i * 97).padStart(6, '0')}/` }).records.length, 1)
  t.end()
})
