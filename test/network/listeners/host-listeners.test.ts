import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import t from 'tap'
import { silentLogger } from '../../../src/base/logger.js'
import { HostListeners } from '../../../src/network/listeners/host-listeners.js'
import type { BalancerAddress } from '../../../src/network/listeners/host-listeners.js'
import type { ServiceModel } from '../../../src/network/services/service-model.js'
import { simpleModel } from '../models.js'

const local = '127.0.0.1'

async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, local)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, local)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const named = (name: string) =>
  listening(
    createServer({ allowHalfOpen: true }, (socket) => {
      let text = ''
      socket.on('error', () => {})
      socket.on('data', (d) => {
        text += String(d)
      })
      socket.on('end', () => socket.end(`${name}:${text}`))
    })
  )

/** Half-closes after sending, so the answer shows that both directions end on their own. */
async function ask(port: number, host = local): Promise<string> {
  const socket = connect({ port, host, allowHalfOpen: true })
  socket.end('hi')
  let text = ''
  try {
    for await (const chunk of socket) text += String(chunk)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error'
  }
  return text
}

function setUp() {
  const notices: { service: string; reason: string; message: string }[] = []
  const balancers = new Map<string, BalancerAddress | undefined>()
  const timers: (() => void)[] = []
  const listeners = new HostListeners({
    addresses: [local],
    logger: silentLogger,
    clock: {
      now: () => new Date(),
      after: (_, f) => {
        timers.push(f)
        return () => {}
      }
    },
    onNotice: (notice) => notices.push(notice),
    onBalancer: (key, address) => balancers.set(key, address)
  })
  t.teardown(() => listeners.stop())
  return { listeners, notices, balancers, timers }
}

const withNodePort = (
  name: string,
  nodePort: number,
  endpoints: { ip: string; port: number }[],
  more: Partial<ServiceModel> = {}
) => simpleModel(name, [], { ports: [{ name: '', protocol: 'TCP', port: 80, nodePort, endpoints }], ...more })

t.test('node ports open, follow their endpoints, refuse without any, and close', async (t) => {
  const { listeners } = setUp()
  const [a, b, port] = [await named('a'), await named('b'), await freePort()]
  const at = (...ports: number[]) => ports.map((p) => ({ ip: local, port: p }))
  listeners.set(withNodePort('web', port, at(a, b)))
  await listeners.settled()
  t.same([await ask(port), await ask(port)].sort(), ['a:hi', 'b:hi'])
  listeners.set(withNodePort('web', port, at(b)))
  await listeners.settled()
  t.same([await ask(port), await ask(port)], ['b:hi', 'b:hi'])
  const dead = await freePort()
  listeners.set(withNodePort('web', port, at(dead, b)))
  await listeners.settled()
  t.same(
    [await ask(port), await ask(port), await ask(port)],
    ['b:hi', 'b:hi', 'b:hi'],
    'unreachable ones are passed over'
  )
  listeners.set(withNodePort('web', port, at(a, b), { affinitySeconds: 100 }))
  await listeners.settled()
  const answers = new Set([await ask(port), await ask(port), await ask(port)])
  t.equal(answers.size, 1, 'session affinity')
  listeners.set(withNodePort('web', port, []))
  await listeners.settled()
  t.equal(await ask(port), 'ECONNRESET')
  listeners.delete('default/web')
  await listeners.settled()
  t.equal(await ask(port), 'ECONNREFUSED')
})

t.test('a node port that is taken is told and taken later', async (t) => {
  const { listeners, notices, timers } = setUp()
  const a = await named('a')
  const holder = createServer()
  const port = await listening(holder)
  listeners.set(withNodePort('web', port, [{ ip: local, port: a }]))
  await listeners.settled()
  t.match(notices, [
    {
      service: 'default/web',
      reason: 'PortInUse',
      message: new RegExp(
        `node port ${String(port)}/TCP is not open .* held by \\S.* \\(pid ${String(process.pid)}\\)`
      )
    }
  ])
  holder.close()
  await once(holder, 'close')
  timers[0]?.()
  await listeners.settled()
  t.equal(await ask(port), 'a:hi')
  t.equal(notices.length, 1)
})

t.test('load balancers: 127.0.0.1, else another loopback address, else another port', async (t) => {
  const { listeners, balancers, notices } = setUp()
  const a = await named('a')
  const port = await freePort()
  const balanced = (name: string, p: number) =>
    simpleModel(name, [], {
      balanced: true,
      type: 'LoadBalancer',
      ports: [{ name: '', protocol: 'TCP', port: p, nodePort: 0, endpoints: [{ ip: local, port: a }] }]
    })
  listeners.set(balanced('one', port))
  listeners.set(balanced('two', port))
  await listeners.settled()
  t.same(balancers.get('default/one'), { ip: local, ports: [{ port, protocol: 'TCP', hostPort: port }] })
  t.same(balancers.get('default/two'), {
    ip: '127.0.0.2',
    ports: [{ port, protocol: 'TCP', hostPort: port }]
  })
  t.equal(await ask(port, '127.0.0.2'), 'a:hi')
  const everywhere = createServer()
  everywhere.listen(0, '0.0.0.0')
  await once(everywhere, 'listening')
  t.teardown(() => everywhere.close())
  const taken = (everywhere.address() as AddressInfo).port
  listeners.set(balanced('three', taken))
  await listeners.settled()
  const third = balancers.get('default/three')
  t.equal(third?.ip, local)
  t.not(third?.ports[0]?.hostPort, taken)
  t.equal(await ask(third?.ports[0]?.hostPort ?? 0), 'a:hi')
  t.match(notices.at(-1)?.message, /is used instead of \d+: port \d+ is held by /)
  listeners.delete('default/one')
  await listeners.settled()
  t.equal(balancers.get('default/one'), undefined)
  t.equal(await ask(port), 'ECONNREFUSED')
})

t.test('UDP: flows stay with their endpoint until it goes away', async (t) => {
  const { listeners } = setUp()
  const echo = async (name: string) => {
    const socket = createSocket('udp4', (m, from) => {
      socket.send(`${name}:${String(m)}`, from.port, from.address)
    })
    socket.bind(0, local)
    await once(socket, 'listening')
    t.teardown(() => socket.close())
    return socket.address().port
  }
  const [a, b, port] = [await echo('a'), await echo('b'), await freePort()]
  const model = (...ports: number[]) =>
    simpleModel('udp', [], {
      ports: [
        {
          name: '',
          protocol: 'UDP',
          port: 53,
          nodePort: port,
          endpoints: ports.map((p) => ({ ip: local, port: p }))
        }
      ]
    })
  listeners.set(model(a))
  await listeners.settled()
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  const say = async (text: string) => {
    client.send(text, port, local)
    const [answer] = (await once(client, 'message')) as [Buffer]
    return String(answer)
  }
  t.equal(await say('1'), 'a:1')
  listeners.set(model(a, b))
  await listeners.settled()
  t.equal(await say('2'), 'a:2')
  listeners.set(model(b))
  await listeners.settled()
  t.equal(await say('3'), 'b:3')
})

t.test('a client that resets does not take the listener down', async (t) => {
  const { listeners } = setUp()
  const [a, port] = [await named('a'), await freePort()]
  listeners.set(withNodePort('web', port, [{ ip: local, port: a }]))
  await listeners.settled()
  const socket = connect(port, local)
  await once(socket, 'connect')
  socket.resetAndDestroy()
  t.equal(await ask(port), 'a:hi')
})
