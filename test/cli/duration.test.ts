import t from 'tap'
import { ageOf, humanDuration } from '../../src/cli/duration.js'
import { parseDurationMs } from '../../src/cli/flags.js'

t.test('ages as kubectl prints them', async (t) => {
  const minute = 60
  const hour = 60 * minute
  const day = 24 * hour
  const cases: [number, string][] = [
    [-5, '<invalid>'],
    [-0.5, '0s'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [179, '2m59s'],
    [10 * minute, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 20 * minute, '3h20m'],
    [8 * hour, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [3 * day + 5 * hour, '3d5h'],
    [8 * day, '8d'],
    [729 * day, '729d'],
    [2 * 365 * day, '2y'],
    [2 * 365 * day + 3 * day, '2y3d'],
    [9 * 365 * day, '9y']
  ]
  for (const [seconds, text] of cases) t.equal(humanDuration(seconds * 1000), text)
  t.equal(ageOf(undefined, new Date()), '<unknown>')
  t.equal(ageOf('2026-01-01T00:00:00Z', new Date('2026-01-01T00:00:42Z')), '42s')
})

t.test('durations as users write them', async (t) => {
  t.equal(parseDurationMs('90', '--timeout'), 90_000)
  t.equal(parseDurationMs('1m30s', '--timeout'), 90_000)
  t.equal(parseDurationMs('250ms', '--timeout'), 250)
  t.equal(parseDurationMs('1.5h', '--timeout'), 5_400_000)
  for (const bad of ['', 'soon', '5x', '-1s', '1m-', '5 m'])
    t.throws(() => parseDurationMs(bad, '--timeout'), { code: 'MK_INPUT' })
})
