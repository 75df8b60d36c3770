import t from 'tap'
import { applyMergePatch } from '../../../src/apiserver/patch/merge-patch.js'

t.test('the examples of RFC 7396', async (t) => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd']
    ],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
  ]
  for (const [document, patch, expected] of cases) {
    const before = structuredClone(document)
    t.same(applyMergePatch(document, patch), expected, JSON.stringify(patch))
    t.same(document, before)
  }
})

t.test('__proto__ is a key like any other', async (t) => {
  const patch = JSON.parse('{"__proto__":{"spec":1},"constructor":{"a":1}}') as unknown
  const merged = applyMergePatch({}, patch) as object
  t.strictSame(Object.keys(merged), ['__proto__', 'constructor'])
  t.equal(Object.getPrototypeOf(merged), Object.prototype)
})
