import t from 'tap'
import { applyJsonPatch } from '../../../src/apiserver/patch/json-patch.js'

const document = { a: { b: [1, 2, 3], 'x/y': 'slash', 'm~n': 'tilde' }, n: null }

t.test('operations', async (t) => {
  const cases: [string, unknown[], unknown][] = [
    ['add a field', [{ op: 'add', path: '/c', value: 1 }], { ...document, c: 1 }],
    [
      'add into a list',
      [{ op: 'add', path: '/a/b/1', value: 9 }],
      { ...document, a: { ...document.a, b: [1, 9, 2, 3] } }
    ],
    [
      'append',
      [{ op: 'add', path: '/a/b/-', value: 9 }],
      { ...document, a: { ...document.a, b: [1, 2, 3, 9] } }
    ],
    ['remove', [{ op: 'remove', path: '/a/b/0' }], { ...document, a: { ...document.a, b: [2, 3] } }],
    [
      'replace',
      [{ op: 'replace', path: '/a/x~1y', value: 'new' }],
      { ...document, a: { ...document.a, 'x/y': 'new' } }
    ],
    [
      'escaped tilde',
      [{ op: 'remove', path: '/a/m~0n' }],
      { ...document, a: { b: [1, 2, 3], 'x/y': 'slash' } }
    ],
    [
      'move',
      [{ op: 'move', from: '/a/b', path: '/c' }],
      { a: { 'x/y': 'slash', 'm~n': 'tilde' }, n: null, c: [1, 2, 3] }
    ],
    ['copy', [{ op: 'copy', from: '/a/b/2', path: '/c' }], { ...document, c: 3 }],
    ['test that holds', [{ op: 'test', path: '/a/b', value: [1, 2, 3] }], document],
    ['replace all', [{ op: 'replace', path: '', value: { all: 'new' } }], { all: 'new' }]
  ]
  for (const [what, patch, expected] of cases) t.same(applyJsonPatch(document, patch), expected, what)
  t.same(document.a.b, [1, 2, 3], 'the document itself is left alone')
})

t.test('what can not be applied', async (t) => {
  const code = (patch: unknown) => {
    try {
      applyJsonPatch(document, patch)
    } catch (error) {
      return (error as { code: number }).code
    }
    return 200
  }
  t.equal(code({ op: 'add' }), 400, 'not a list')
  t.equal(code([{ path: '/a' }]), 400, 'no op')
  t.equal(code([{ op: 'jump', path: '/a' }]), 400, 'an unknown op')
  t.equal(code([{ op: 'add', path: '/c' }]), 400, 'no value')
  t.equal(code([{ op: 'remove', path: '/nope' }]), 422, 'a missing path')
  t.equal(code([{ op: 'add', path: '/nope/deep', value: 1 }]), 422, 'a missing parent')
  t.equal(code([{ op: 'add', path: '/a/b/7', value: 1 }]), 422, 'beyond the list')
  t.equal(code([{ op: 'test', path: '/a/b', value: [] }]), 422, 'a test that fails')
  t.equal(code(Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: 1 }))), 413, 'too many')
  t.equal(code([{ op: 'add', path: '/__proto__/polluted', value: 1 }]), 422)
  t.equal(({} as { polluted?: unknown }).polluted, undefined, 'prototypes are out of reach')
})
