import t from 'tap'
import { parseStrictJson } from '../../src/base/strict-json.js'

void t.test('values are those of JSON.parse', (t) => {
  for (const text of [
    '{"a":[1,-2.5e3,true,false,null,"x\\n\\u00e9\\ud83d\\ude00\\/"]}',
    '[]',
    ' {} ',
    '"s"',
    '0',
    '{"a":{"b":{}}}'
  ]) {
    t.strictSame(parseStrictJson(text), { value: JSON.parse(text) as unknown, duplicates: [] }, text)
  }
  t.end()
})

void t.test('keys that come twice are named by path', (t) => {
  const text = '{"spec":{"replicas":1,"replicas":2,"c":[{"n":1},{"n":1,"n":2,"n":3}]},"spec2":0}'
  t.strictSame(parseStrictJson(text), {
    value: { spec: { replicas: 2, c: [{ n: 1 }, { n: 3 }] }, spec2: 0 },
    duplicates: ['spec.replicas', 'spec.c[1].n']
  })
  t.end()
})

void t.test('__proto__ is a key like any other', (t) => {
  const { value, duplicates } = parseStrictJson('{"__proto__":{"x":1},"toString":2}')
  t.strictSame(Object.keys(value as object), ['__proto__', 'toString'])
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.strictSame(duplicates, [])
  t.strictSame(parseStrictJson('{"__proto__":1,"__proto__":2}').duplicates, ['__proto__'])
  t.end()
})

void t.test('malformed documents have the words of encoding/json', (t) => {
  const cases: [string, string][] = [
    ['', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['"abc', 'unexpected end of JSON input'],
    ['{a}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\\\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['nul!', "invalid character '!' in literal null (expecting 'l')"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['-x', "invalid character '-' looking for beginning of value"],
    ['01', "invalid character '1' after top-level value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"]
  ]
  for (const [text, message] of cases) t.throws(() => parseStrictJson(text), { code: 400, message }, text)
  t.end()
})

void t.test('depth is limited, bad UTF-8 refused', (t) => {
  t.throws(() => parseStrictJson('['.repeat(100_000)), { message: 'exceeded max depth' })
  t.ok(parseStrictJson('['.repeat(1000) + ']'.repeat(1000)))
  t.throws(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22])), { code: 400, message: /not valid UTF-8/ })
  t.strictSame(parseStrictJson(Buffer.from('{"é":1}')).value, { é: 1 })
  t.end()
})
