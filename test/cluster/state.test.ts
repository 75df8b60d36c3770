import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import { openState } from '../../src/cluster/state.js'

t.test('a damaged state is kept aside and never replaced silently', async (t) => {
  const directory = t.testdir()
  const open = () => openState({ directory, clock: systemClock, logger: silentLogger })
  const first = await open()
  t.equal(first.notice, undefined)
  for (const name of readdirSync(directory)) {
    t.equal(statSync(join(directory, name)).mode & 0o777, 0o600, `${name} is its owner's alone`)
  }
  await first.store.create('/a', () => Buffer.from('precious'))
  await first.store.close()
  const again = await open()
  t.equal(again.store.get('/a')?.value.toString(), 'precious')
  await again.store.close()

  const path = join(directory, 'state.mdb')
  writeFileSync(path, 'not a database '.repeat(1000))
  await t.rejects(open(), {
    code: 'MK_STATE_CORRUPT',
    message: /kept as .*state\.mdb\.corrupt-/,
    hint: /mk up again/
  })
  t.notOk(existsSync(path))
  t.equal(readdirSync(directory).filter((name) => name.includes('.corrupt-')).length, 1)

  const fresh = await open()
  t.match(fresh.notice, /empty state.*state\.mdb\.corrupt-/, 'the new one is announced')
  await fresh.store.close()
  const later = await open()
  t.equal(later.notice, undefined, 'once')
  await later.store.close()
})
