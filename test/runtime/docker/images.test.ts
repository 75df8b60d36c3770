import t from 'tap'
import { splitReference } from '../../../src/runtime/docker/images.js'

void t.test('repository, and tag or digest', (t) => {
  t.strictSame(splitReference('nginx'), { fromImage: 'nginx', tag: 'latest' })
  t.strictSame(splitReference('host:5000/a/b'), { fromImage: 'host:5000/a/b', tag: 'latest' })
  t.strictSame(splitReference('host:5000/a/b:1'), { fromImage: 'host:5000/a/b', tag: '1' })
  t.strictSame(splitReference('a@sha256:12'), { fromImage: 'a', tag: 'sha256:12' })
  t.end()
})
