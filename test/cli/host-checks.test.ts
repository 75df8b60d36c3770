import t from 'tap'
import { hostChecks } from '../../src/cli/host-checks.js'

t.test('low limits are named with what raises them; others and other systems are silent', async (t) => {
  const low = await hostChecks(async (path) => (path.endsWith('instances') ? '128\n' : '1000000\n'))
  t.equal(low.length, 1)
  t.match(low[0], /max_user_instances is 128.*sysctl -w fs\.inotify\.max_user_instances=512/)
  t.same(await hostChecks(async () => '1000000'), [])
  t.same(await hostChecks(async () => Promise.reject(new Error('ENOENT'))), [])
})
