import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLogFile } from '../../src/daemon/log-file.js'

t.test('appends, keeps its size within bounds, and only its user reads it', async (t) => {
  const path = join(t.testdir({ log: 'before\n' }), 'log')
  const log = openLogFile(path, 100)
  log.write('one\n')
  t.equal(readFileSync(path, 'utf8'), 'before\none\n')
  log.write('x'.repeat(200) + '\n')
  log.write('after\n')
  t.equal(readFileSync(path, 'utf8'), 'after\n')
  t.ok(existsSync(`${path}.1`))
  t.equal(statSync(path).mode & 0o777, 0o600)
})
