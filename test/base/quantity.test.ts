import t from 'tap'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  isQuantity,
  quantityToMilli,
  quantityToNumber
} from '../../src/base/quantity.js'

void t.test('canonical form', (t) => {
  const cases: [string | number, string][] = [
    ['1000m', '1'],
    ['1024Mi', '1Gi'],
    ['1.5', '1500m'],
    ['0.5Gi', '512Mi'],
    ['1.5Gi', '1536Mi'],
    ['1000Ki', '1000Ki'],
    ['0', '0'],
    ['0Gi', '0'],
    ['1024', '1024'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['12e6', '12e6'],
    ['1.5e3', '1500'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['100k', '100k'],
    ['1000k', '1M'],
    ['0.1Ki', '102400m'],
    ['1.1Ki', '1127'],
    ['-1.5', '-1500m'],
    ['.5', '500m'],
    ['5.', '5'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    [2, '2'],
    [0.25, '250m'],
    ['9223372036854775807', '9223372036854775807'],
    ['10E', '9223372036854775807'],
    ['+3', '3'],
    ['1Ei', '1Ei'],
    ['2E', '2E']
  ]
  for (const [from, to] of cases) t.equal(canonicalQuantity(from), to, String(from))
  t.end()
})

void t.test('malformed quantities are refused with the upstream text', (t) => {
  for (const text of ['', 'x', '1K', '1 Gi', '1.2.3', '.', '1GiB', '--1', '1e', '0x10', '1mi']) {
    t.equal(isQuantity(text), false, text)
  }
  t.throws(() => canonicalQuantity('1GiB'), {
    message: /quantities must match the regular expression/,
    code: 400
  })
  t.end()
})

void t.test('numbers are rounded up', (t) => {
  t.equal(quantityToNumber('1500m'), 2)
  t.equal(quantityToNumber('1Gi'), 1073741824)
  t.equal(quantityToNumber('-1500m'), -2)
  t.equal(quantityToMilli('250m'), 250)
  t.equal(quantityToMilli('1u'), 1)
  t.equal(quantityToMilli('2'), 2000)
  t.end()
})

void t.test('arithmetic', (t) => {
  t.equal(compareQuantities('1Gi', '1024Mi'), 0)
  t.equal(compareQuantities('1G', '1Gi'), -1)
  t.equal(compareQuantities('2', '1999m'), 1)
  t.equal(addQuantities('100m', '900m'), '1')
  t.equal(addQuantities('1Gi', '512Mi'), '1536Mi')
  t.equal(addQuantities('0', '1Gi'), '1Gi')
  t.equal(addQuantities('1Gi', '-1Gi'), '0')
  t.end()
})
