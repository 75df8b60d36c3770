import t from 'tap'
import { keyOf, parseKey } from '../../src/base/object.js'
t.test('a key names one object', async (t) => {
  t.equal(keyOf({ metadata: { name: 'a', namespace: 'b' } }), 'b/a')
  t.same(parseKey('b/a'), { namespace: 'b', name: 'a' })
})
