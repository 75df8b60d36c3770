import t from 'tap'
import { parseCidr } from '../../../src/base/ip.js'
import { bridgeName, chooseRange, parseRoutes } from '../../../src/runtime/docker/pod-network.js'

const ranges = (...texts: string[]) =>
  texts.map((text) => parseCidr(text)).filter((range) => range !== undefined)

void t.test('the first range that nothing else uses', (t) => {
  t.equal(chooseRange([]), '10.244.0.0/16')
  t.equal(chooseRange(ranges('10.244.7.0/24', '10.245.0.0/16', '172.17.0.0/16')), '10.246.0.0/16')
  t.equal(chooseRange(ranges('10.0.0.0/8')), '172.20.0.0/16')
  t.throws(() => chooseRange(ranges('0.0.0.0/0')), { code: 'MK_NETWORK_CONFLICT', hint: /network prune/ })
  t.end()
})

void t.test("the kernel's routes, but for the default one", (t) => {
  const table = [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    ''
  ].join('\n')
  t.strictSame(parseRoutes(table), ranges('172.17.0.0/16'))
  t.end()
})

void t.test('interface names fit', (t) => {
  t.equal(bridgeName('default'), 'mk-default')
  t.match(bridgeName('a-very-long-cluster-name'), /^mk-[0-9a-f]{12}$/)
  t.not(bridgeName('a-very-long-cluster-name'), bridgeName('a-very-long-cluster-name2'))
  t.end()
})
