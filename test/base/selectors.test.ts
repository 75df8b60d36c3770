import t from 'tap'
import {
  parseFieldSelector,
  parseLabelSelector,
  selectorFromLabelSelector,
  selectorFromMap
} from '../../src/base/selectors.js'

void t.test('label selectors: the whole grammar', (t) => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: 'x' }, false],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a in (x, y)', { a: 'y' }, true],
    ['a in (x)', {}, false],
    ['a notin (x)', {}, true],
    ['a notin (x,)', { a: '' }, false],
    ['a>1', { a: '2' }, true],
    ['a>1', { a: 'x' }, false],
    ['a<1', { a: '0' }, true],
    ['a<1', {}, false],
    ['a=b,c=d', { a: 'b', c: 'd' }, true],
    ['a=b,c=d', { a: 'b' }, false],
    ['a=', { a: '' }, true],
    ['k8s.io/x.y = v_1', { 'k8s.io/x.y': 'v_1' }, true],
    ['in in (in)', { in: 'in' }, true],
    ['constructor', {}, false]
  ]
  for (const [text, labels, matches] of cases)
    t.equal(parseLabelSelector(text).matches(labels), matches, text)
  t.equal(parseLabelSelector('').empty, true)
  t.equal(parseLabelSelector('a').matches(undefined), false)
  t.end()
})

void t.test('text form is sorted by key and parses again', (t) => {
  const text = 'a in (x,y),b!=1,!c,d,e>3'
  t.equal(parseLabelSelector('e>3, d, !c, b!=1, a in (y,x)').toString(), text)
  t.equal(parseLabelSelector(text).toString(), text)
  t.end()
})

void t.test('what does not parse is a bad request', (t) => {
  for (const text of [
    'a=b=c',
    ',a',
    'a,',
    'a in x',
    'a in (x',
    '=',
    'a b',
    '-a=b',
    'a=-b',
    `a=${'x'.repeat(64)}`,
    'a>x',
    '!',
    '!!a'
  ]) {
    t.throws(() => parseLabelSelector(text), { code: 400, message: /^unable to parse requirement: / }, text)
  }
  t.end()
})

void t.test('LabelSelector fields', (t) => {
  const selector = selectorFromLabelSelector({
    matchLabels: { app: 'x' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' }
    ]
  })
  t.equal(selector.matches({ app: 'x', tier: 'b' }), true)
  t.equal(selector.matches({ app: 'x', tier: 'b', old: '' }), false)
  t.equal(selector.toString(), 'app=x,!old,tier in (a,b)')
  t.equal(selectorFromLabelSelector(undefined).matches({}), false)
  t.equal(selectorFromLabelSelector(undefined).empty, false)
  t.equal(selectorFromLabelSelector({}).matches({}), true)
  t.throws(() => selectorFromLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Gt' }] }), {
    message: '"Gt" is not a valid label selector operator'
  })
  t.equal(selectorFromMap({ a: 'b' }).matches({ a: 'b', c: 'd' }), true)
  t.equal(selectorFromMap(undefined).empty, true)
  t.end()
})

void t.test('field selectors', (t) => {
  t.strictSame(parseFieldSelector('metadata.name=x,status.phase!=Running,a==b'), [
    { field: 'metadata.name', op: '=', value: 'x' },
    { field: 'status.phase', op: '!=', value: 'Running' },
    { field: 'a', op: '=', value: 'b' }
  ])
  t.strictSame(parseFieldSelector(''), [])
  t.strictSame(parseFieldSelector('a=x\\,y\\=z\\\\'), [{ field: 'a', op: '=', value: 'x,y=z\\' }])
  t.strictSame(parseFieldSelector('a='), [{ field: 'a', op: '=', value: '' }])
  t.throws(() => parseFieldSelector('abc'), {
    code: 400,
    message: "invalid selector: 'abc'; can't understand 'abc'"
  })
  t.throws(() => parseFieldSelector('a=b=c'), { code: 400 })
  t.end()
})
