import t from 'tap'
import { cloneJson, equalJson } from '../../src/apiserver/json.js'

t.test('copies are deep, and leave out what JSON cannot carry', async (t) => {
  const value = { a: [{ b: 1, gone: undefined }], d: new Date(0) }
  const copy = cloneJson(value)
  t.same(copy, { a: [{ b: 1 }], d: '1970-01-01T00:00:00.000Z' })
  t.not(copy.a, value.a)
  t.notOk('gone' in (copy.a[0] ?? {}))
})

t.test('a member named __proto__ is data', async (t) => {
  const copy = cloneJson(JSON.parse('{"__proto__":{"x":1}}') as Record<string, unknown>)
  t.ok(Object.hasOwn(copy, '__proto__'))
  t.notOk('x' in copy)
  t.equal(JSON.stringify(copy), '{"__proto__":{"x":1}}')
})

t.test('equality is by value', async (t) => {
  t.ok(equalJson({ a: [1, { b: null }], c: undefined }, { a: [1, { b: null }] }))
  t.notOk(equalJson({ a: 1 }, { a: 1, b: 2 }))
  t.notOk(equalJson({ a: 1, b: 2 }, { a: 1 }))
  t.notOk(equalJson([1, 2], [2, 1]))
  t.notOk(equalJson([], {}))
  t.notOk(equalJson(JSON.parse('{"__proto__":1}'), {}))
  t.notOk(equalJson({ toString: 1 }, { a: 1 }))
})
