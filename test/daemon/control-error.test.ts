import t from 'tap'
import { MkError } from '../../src/base/errors.js'
import { controlErrorOf } from '../../src/daemon/control-error.js'

t.test('failures as the CLI shows them', (t) => {
  const own = new MkError('MK_PORT_IN_USE', 'port 80 is busy', { hint: 'take another' })
  t.same(controlErrorOf(own), { code: 'MK_PORT_IN_USE', message: 'port 80 is busy', hint: 'take another' })
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  t.match(controlErrorOf(full), { code: 'MK_DISK_FULL', message: /no space left/, hint: /make room/ })
  t.match(controlErrorOf(new Error('what?')), { code: 'MK_DAEMON_START', message: 'what?', hint: /log/ })
  t.end()
})
