import t from 'tap'
import { evaluateJsonPath } from '../../src/cli/json-path.js'

const object = {
  a: { b: 'text', n: 3, 'x.y': 'dotted' },
  list: [
    { name: 'one', tags: ['p', 'q'] },
    { name: 'two', tags: ['r'] }
  ]
}

t.test('fields, indexes, all items, text', async (t) => {
  const cases: [string, string][] = [
    ['{.a.b}', 'text'],
    ['.a.b', 'text'],
    ['{$.a.n}', '3'],
    ['{.a}', JSON.stringify(object.a)],
    ["{.a['x.y']}", 'dotted'],
    ['{.a.x\\.y}', 'dotted'],
    ['{.list[0].name}', 'one'],
    ['{.list[-1].name}', 'two'],
    ['{.list[*].name}', 'one two'],
    ['{.list[*].tags[*]}', 'p q r'],
    ['{.missing.field}', ''],
    ['{.list[7]}', ''],
    ['ip={.a.b}{"\\n"}', 'ip=text\n'],
    ['{.a.constructor}', '']
  ]
  for (const [template, text] of cases) t.equal(evaluateJsonPath(template, object), text, template)
})

t.test('what mk does not understand is refused, not guessed', async (t) => {
  for (const template of [
    '{range .list[*]}{.name}{end}',
    '{.list[?(@.name=="one")]}',
    '{..name}',
    '{.list[0:1]}'
  ]) {
    t.throws(() => evaluateJsonPath(template, object), { code: 'MK_UNSUPPORTED' }, template)
  }
})
