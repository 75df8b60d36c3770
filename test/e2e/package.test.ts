import { join } from 'node:path'
import t from 'tap'
import { eventually, root, startCluster } from '../fixtures/cluster.js'
import { installPackage } from '../fixtures/package.js'

t.test('the package works where there is nothing but Node', { timeout: 300_000 }, async (t) => {
  const { mk: program, path } = await installPackage(t)
  const cluster = await startCluster(t, [], { program: [program], env: { PATH: path } })
  t.match((await cluster.mk(['version'])).text, /\d+\.\d+\.\d+/)
  const applied = await cluster.mk(['apply', '-f', join(root, 'examples/hello'), '--wait'])
  t.equal(applied.code, 0, applied.stderr)
  await eventually('the app answers', async () =>
    (await cluster.fetch('/')).status === 200 ? true : undefined
  )
  t.match((await cluster.mk(['exec', 'deploy/hello', '--', 'env'])).text, 'GREETING=Hello')
  const deleted = await cluster.mk(['delete', 'cluster', '--yes'])
  t.equal(deleted.code, 0, deleted.stderr)
  t.match((await cluster.mk(['get', 'pods'])).stderr, 'mk up')
})
