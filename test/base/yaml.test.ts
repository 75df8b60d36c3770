import t from 'tap'
import { isMkError } from '../../src/base/errors.js'
import { parseYamlDocuments, toYaml } from '../../src/base/yaml.js'

const read = (text: string): unknown => parseYamlDocuments(text, { file: 'f.yaml' })[0]?.value

function failure(text: string): { message: string; hint: string | undefined } {
  try {
    read(text)
  } catch (error) {
    if (isMkError(error, 'MK_INPUT')) return { message: error.message, hint: error.hint }
    throw error
  }
  throw new Error(`no error for ${text}`)
}

void t.test('plain scalars have the values that kubectl gives them', (t) => {
  const cases: [string, unknown][] = [
    ['0644', 420],
    ['0o644', 420],
    ['0x1F', 31],
    ['0b11', 3],
    ['-0x10', -16],
    ['1_000', 1000],
    ['08', 8],
    ['00', 0],
    ['+12', 12],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.', 1],
    ['-0', 0],
    ['yes', true],
    ['No', false],
    ['on', true],
    ['OFF', false],
    ['y', true],
    ['n', false],
    ['True', true],
    ['tRUE', 'tRUE'],
    ['null', null],
    ['~', null],
    ['', null],
    ['Null', null],
    ['2020-01-01', '2020-01-01'],
    ['2001-12-14t21:59:43.10-05:00', '2001-12-14t21:59:43.10-05:00'],
    ['1:30', '1:30'],
    ['12:30:45', '12:30:45'],
    ['1.2.3', '1.2.3'],
    ['1Gi', '1Gi'],
    ['0x', '0x'],
    ['v1', 'v1'],
    ['=', '='],
    ['"0644"', '0644'],
    ["'yes'", 'yes'],
    ['!!str 12', '12'],
    ['!!int "3"', 3],
    ['!!binary aGk=', 'hi'],
    ['!custom x', 'x']
  ]
  for (const [text, value] of cases) t.strictSame(read(`a: ${text}`), { a: value }, text)
  t.end()
})

void t.test('keys become strings', (t) => {
  t.strictSame(read('1: a\nyes: b\n1.5: c\n'), { 1: 'a', true: 'b', 1.5: 'c' })
  t.strictSame(Object.keys(read('__proto__: 1') as object), ['__proto__'])
  t.end()
})

void t.test('anchors, aliases and merge keys', (t) => {
  t.strictSame(read('a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n'), { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } })
  t.strictSame(read('a: &x {b: 1}\ne: &y {b: 2, f: 3}\nd: {<<: [*x, *y]}\n'), {
    a: { b: 1 },
    e: { b: 2, f: 3 },
    d: { b: 1, f: 3 }
  })
  t.match(failure('a: *no').message, "f.yaml:1:5: unknown anchor 'no' referenced")
  const bomb = [
    'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
    ...Array.from(
      { length: 9 },
      (_, i) =>
        `a${String(i + 1)}: &a${String(i + 1)} [${Array(10)
          .fill(`*a${String(i)}`)
          .join(',')}]`
    )
  ].join('\n')
  t.match(failure(bomb).message, 'excessive aliasing')
  t.end()
})

void t.test('several documents: empty ones are left out, lines are those of the file', (t) => {
  const text = '# only a comment\n---\na: 1\n---\n---\n# c\nb:\n- x\n...\n'
  t.strictSame(parseYamlDocuments(text, { file: 'f' }), [
    { value: { a: 1 }, line: 3 },
    { value: { b: ['x'] }, line: 7 }
  ])
  t.strictSame(parseYamlDocuments('', { file: 'f' }), [])
  t.strictSame(parseYamlDocuments('\uFEFFa: 1\r\nb: 2\r\n', { file: 'f' })[0]?.value, { a: 1, b: 2 })
  t.end()
})

void t.test('JSON is accepted, as a stream too', (t) => {
  t.strictSame(read('{\n\t"a": ["0644", 1e3, null]\n}'), { a: ['0644', 1000, null] })
  t.strictSame(
    parseYamlDocuments('{"a":1}\n{"a":2}', { file: 'f' }).map((d) => d.line),
    [1, 2]
  )
  t.strictSame(read('{a: yes}'), { a: true })
  t.match(failure('{"a":1,"a":2}').message, 'duplicate field "a"')
  t.end()
})

void t.test('malformed input says where and what to do', (t) => {
  t.match(failure('a: 1\n b: 2').message, /^f\.yaml:2:3: bad indentation/)
  t.match(failure('a:\n\t- b').message, /^f\.yaml:2:1: tab characters/)
  t.match(failure('a: [1').message, /^f\.yaml:1:6: /)
  t.match(failure('a: b: c').hint, 'indentation')
  t.match(
    failure('a:\n  foo: 1\n  bar: 2\n  foo: 3\n').message,
    'f.yaml:4:3: line 4: key "foo" already set in map'
  )
  t.match(failure('a: .inf').message, 'unsupported value')
  t.match(failure('? [a]\n: b').message, 'a map key must be a scalar')
  t.match(failure('a: !!int x').message, 'cannot decode `x` as a !!int')
  t.end()
})

// The expected text is kubectl's own output for these values.
void t.test('prints as kubectl -o yaml', (t) => {
  const value = {
    long: `${'word '.repeat(40)}end`,
    'q: long': `${'word: '.repeat(16)}end`,
    a10: '1',
    a2: 'y',
    a1: 'x',
    ab: '0644',
    'a-b': '1:30',
    e: '',
    sp: ' lead',
    nl: 'a\nb\n',
    nl2: 'a\n\nb',
    tab: 'a\tb\nc',
    u: 'é☃😀',
    dash: '- x',
    A: 'x',
    _: 'x',
    date: '2020-01-01',
    nul: 'null',
    hash: 'a #b',
    endcolon: 'a:',
    sq: "it's: x",
    cr: 'a\rb',
    lsp: '  a\n b\n',
    multi: 'a\n\n',
    only: '\n',
    trail: 'a\n ',
    lt: '<<',
    bs: 'a\\b: "c"',
    n: 1.5,
    list: [{ b: 1, a: [] }, 'x', [1, 2]],
    none: null,
    yes: true,
    map: {}
  }
  t.equal(
    toYaml(value),
    String.raw`_: x
A: x
a-b: "1:30"
a1: x
a2: "y"
a10: "1"
ab: "0644"
bs: 'a\b: "c"'
cr: "a\rb"
dash: '- x'
date: "2020-01-01"
e: ""
endcolon: 'a:'
hash: 'a #b'
list:
- a: []
  b: 1
- x
- - 1
  - 2
long: word word word word word word word word word word word word word word word word
  word word word word word word word word word word word word word word word word
  word word word word word word word word end
lsp: |2
    a
   b
lt: <<
map: {}
multi: |+
  a

"n": 1.5
nl: |
  a
  b
nl2: |-
  a

  b
none: null
nul: "null"
only: |2+

'q: long': 'word: word: word: word: word: word: word: word: word: word: word: word:
  word: word: word: word: end'
sp: ' lead'
sq: 'it''s: x'
tab: "a\tb\nc"
trail: "a\n "
u: "é☃\U0001F600"
"yes": true
`
  )
  t.strictSame(read(toYaml(value)), value)
  t.end()
})

void t.test('numbers print as Go prints them', (t) => {
  t.equal(
    toYaml([0, 1e21, 1e-7, 0.0001, 1.5e300, 9007199254740991]),
    '- 0\n- 1e+21\n- 1e-07\n- 0.0001\n- 1.5e+300\n- 9007199254740991\n'
  )
  t.end()
})
