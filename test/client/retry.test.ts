import t from 'tap'
import type { Clock } from '../../src/base/clock.js'
import { statusErrors } from '../../src/base/status.js'
import { retryOnConflict } from '../../src/client/retry.js'

const instantClock: Clock = {
  now: () => new Date(),
  after: (_, callback) => {
    setImmediate(callback)
    return () => {}
  }
}
const conflict = statusErrors.modified({ group: '', plural: 'pods' }, 'p')

void t.test('tries again while in conflict', async (t) => {
  let calls = 0
  const result = await retryOnConflict(instantClock, () =>
    ++calls < 3 ? Promise.reject(conflict) : Promise.resolve('done')
  )
  t.equal(result, 'done')
  t.equal(calls, 3)
})

void t.test('gives up after five conflicts, and at once on other errors', async (t) => {
  let calls = 0
  await t.rejects(
    retryOnConflict(instantClock, () => {
      calls++
      return Promise.reject(conflict)
    }),
    conflict
  )
  t.equal(calls, 5)
  await t.rejects(
    retryOnConflict(instantClock, () => {
      calls++
      return Promise.reject(new Error('other'))
    }),
    { message: 'other' }
  )
  t.equal(calls, 6)
})
