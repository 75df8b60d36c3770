import t from 'tap'
import { ageOf, formatLabels, humanDuration } from '../../src/api/columns.js'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

t.test('humanDuration writes durations as kubectl does', async (t) => {
  const cases: [number, string][] = [
    [-5 * second, '<invalid>'],
    [-500, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [120 * second, '2m'],
    [2 * minute + 30 * second, '2m30s'],
    [10 * minute + 5 * second, '10m'],
    [179 * minute, '179m'],
    [180 * minute, '3h'],
    [3 * hour + 20 * minute, '3h20m'],
    [8 * hour + minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [2 * day + 5 * hour, '2d5h'],
    [8 * day + hour, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [3 * 365 * day + 4 * day, '3y4d'],
    [9 * 365 * day, '9y']
  ]
  for (const [ms, text] of cases) t.equal(humanDuration(ms), text, String(ms))
})

t.test('ageOf says when there is no time', async (t) => {
  t.equal(ageOf(undefined, new Date()), '<unknown>')
  t.equal(ageOf('2026-01-01T00:00:00Z', new Date('2026-01-01T00:05:00Z')), '5m')
})

t.test('formatLabels is ordered by key', async (t) => {
  t.equal(formatLabels(undefined), '<none>')
  t.equal(formatLabels({ b: '2', a: '1' }), 'a=1,b=2')
})
