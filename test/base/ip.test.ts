import t from 'tap'
import {
  cidrContains,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  formatIpv4,
  parseCidr,
  parseIpv4
} from '../../src/base/ip.js'

const cidr = (text: string) => {
  const range = parseCidr(text)
  if (!range) throw new Error(text)
  return range
}

void t.test('addresses', (t) => {
  for (const text of ['0.0.0.0', '10.96.0.1', '255.255.255.255'])
    t.equal(formatIpv4(parseIpv4(text) ?? -1), text)
  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.x', '::1', ' 1.2.3.4'])
    t.equal(parseIpv4(text), undefined, text)
  t.end()
})

void t.test('ranges', (t) => {
  t.equal(formatCidr(cidr('10.96.3.4/16')), '10.96.0.0/16')
  t.equal(formatCidr(cidr('255.255.255.255/0')), '0.0.0.0/0')
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/-1', 'x/8'])
    t.equal(parseCidr(text), undefined, text)
  t.equal(cidrSize(cidr('10.0.0.0/24')), 256)
  t.equal(cidrContains(cidr('192.168.0.0/16'), parseIpv4('192.168.255.1') ?? 0), true)
  t.equal(cidrContains(cidr('192.168.0.0/16'), parseIpv4('192.169.0.1') ?? 0), false)
  t.equal(cidrsOverlap(cidr('10.0.0.0/8'), cidr('10.3.0.0/16')), true)
  t.equal(cidrsOverlap(cidr('10.3.0.0/16'), cidr('10.0.0.0/8')), true)
  t.equal(cidrsOverlap(cidr('10.0.0.0/16'), cidr('10.1.0.0/16')), false)
  t.end()
})
