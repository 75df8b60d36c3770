import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readConfig, resolveConfig, writeConfig } from '../../src/cluster/config.js'

t.test('options are laid over what is stored, over the defaults', async (t) => {
  t.match(await resolveConfig({}, {}), { nodes: 1, listen: '127.0.0.1', serviceCidr: '10.96.0.0/16' })
  t.match(await resolveConfig({ nodes: 3, httpPort: 8080 }, { nodes: undefined, apiPort: 7443 }), {
    nodes: 3,
    httpPort: 8080,
    apiPort: 7443
  })
})

t.test('every problem is told at once', async (t) => {
  await t.rejects(resolveConfig({}, { nodes: 0, apiPort: 70000, listen: 'everywhere' }), {
    code: 'MK_INPUT',
    message: /nodes: 0 must be >= 1; apiPort: 70000 must be <= 65535; listen: "everywhere" must match/
  })
})

t.test('kept as a file', async (t) => {
  const path = join(t.testdir(), 'config.json')
  t.same(readConfig(path), {}, 'none yet')
  const config = await resolveConfig({}, { nodes: 2 })
  writeConfig(path, config)
  t.same(readConfig(path), config)
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 20))
  t.throws(
    () => readConfig(path),
    { code: 'MK_STATE_CORRUPT', message: new RegExp(path) },
    'damage is never ignored'
  )
})
