import t from 'tap'
import { AddressPool } from '../../src/runtime/address-pool.js'

void t.test('hands out all but what is skipped and the broadcast address, then says that it is out', (t) => {
  const pool = new AddressPool({ cidr: '10.0.0.0/29', skip: 4 })
  t.strictSame([pool.allocate(), pool.allocate(), pool.allocate()], ['10.0.0.4', '10.0.0.5', '10.0.0.6'])
  t.throws(() => pool.allocate(), { code: 'MK_NETWORK_CONFLICT' })
  pool.release('10.0.0.5')
  t.equal(pool.allocate(), '10.0.0.5')
  t.end()
})

void t.test('a freed address comes back last', (t) => {
  const pool = new AddressPool({ cidr: '10.0.0.0/29', skip: 4 })
  pool.release(pool.allocate())
  t.equal(pool.allocate(), '10.0.0.5')
  t.end()
})

void t.test('preferred addresses: only free ones of its own', (t) => {
  const pool = new AddressPool({ cidr: '10.0.0.0/24', skip: 16 })
  t.equal(pool.allocate('10.0.0.77'), '10.0.0.77')
  t.equal(pool.allocate('10.0.0.77'), '10.0.0.16')
  t.equal(pool.allocate('10.0.0.3'), '10.0.0.17')
  t.equal(pool.allocate('nonsense'), '10.0.0.18')
  pool.reserve('10.0.0.20')
  t.equal(pool.allocate(), '10.0.0.21')
  t.end()
})

void t.test('refuses what is no range', (t) => {
  t.throws(() => new AddressPool({ cidr: 'x', skip: 1 }), { code: 'MK_INPUT' })
  t.end()
})

void t.test('held addresses: for those who prefer them, until there is nothing else', (t) => {
  const pool = new AddressPool({ cidr: '10.0.0.0/29', skip: 4 })
  pool.hold(['10.0.0.4', '10.0.0.6', 'nonsense'])
  t.equal(pool.allocate(), '10.0.0.5')
  t.equal(pool.allocate('10.0.0.6'), '10.0.0.6')
  t.equal(pool.allocate(), '10.0.0.4', 'better a held one than none')
  t.throws(() => pool.allocate(), { code: 'MK_NETWORK_CONFLICT' })
  t.end()
})
