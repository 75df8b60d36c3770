import t from 'tap'
import { Limiter } from '../../../src/runtime/docker/limiter.js'

void t.test('at most so many at a time, failures included', async (t) => {
  const limiter = new Limiter(2)
  let running = 0
  let most = 0
  const task = async (fail: boolean) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    if (fail) throw new Error('failed')
    return 'done'
  }
  const results = await Promise.allSettled(
    [1, 2, 3, 4, 5, 6].map((i) => limiter.run(() => task(i % 2 === 0)))
  )
  t.equal(most, 2)
  t.strictSame(
    results.map((r) => r.status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected']
  )
  t.ok(limiter.idle)
})
