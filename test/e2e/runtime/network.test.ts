import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createDockerRuntime } from '../../../src/runtime/docker/docker-runtime.js'
import { connectEngine } from '../../../src/runtime/docker/engine.js'
import type { Sandbox } from '../../../src/runtime/runtime.js'
import { containerSpec, sandboxSpec } from '../../runtime/suite.js'
import { image, openDocker } from './docker-host.js'

t.setTimeout(120_000)
const alive = setInterval(() => undefined, 1000)
t.teardown(() => {
  clearInterval(alive)
})

/** A netlink message of nf_tables: header, nfgenmsg, attributes. */
function message(
  type: number,
  flags: number,
  sequence: number,
  family: number,
  resource: number,
  attributes = Buffer.alloc(0)
): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt32LE(20 + attributes.length)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt32LE(sequence, 8)
  header.writeUInt8(family, 16)
  header.writeUInt16BE(resource, 18)
  return Buffer.concat([header, attributes])
}

/** `create table ip <name>`: fails where the table is. */
function createTable(name: string): Buffer {
  const text = Buffer.from(`${name}\0`)
  const attribute = Buffer.alloc(4 + Math.ceil(text.length / 4) * 4)
  attribute.writeUInt16LE(4 + text.length)
  attribute.writeUInt16LE(1, 2)
  text.copy(attribute, 4)
  const [request, ack, exclusive, create] = [1, 4, 0x200, 0x400]
  return Buffer.concat([
    message(0x10, request, 1, 0, 10),
    message(0x0a00, request | ack | exclusive | create, 2, 2, 0, attribute),
    message(0x11, request, 3, 0, 10)
  ])
}

void t.test('netfilter batches go to the namespaces that were named, the warm ones included', async (t) => {
  const { runtime, cleanup, engine } = await openDocker('network', { poolSize: 1 })
  t.teardown(cleanup)
  const { network } = runtime
  const one = await runtime.createSandbox(sandboxSpec('one'))
  const two = await runtime.createSandbox(sandboxSpec('two'))
  t.strictSame(await network.applyNetfilter([one.id], createTable('first')), [])
  t.strictSame(await network.applyNetfilter([one.id, two.id, 'gone'], createTable('first')), [
    { sandboxId: 'gone', error: 'No such container: gone' },
    { sandboxId: one.id, error: 'message 2: File exists' }
  ])
  // A warm sandbox is there at some time after the last was taken; it must be programmed before it is handed out.
  const known = new Set([one.id, two.id])
  while (network.sandboxIds().every((id) => known.has(id)))
    await new Promise((resolve) => setImmediate(resolve))
  const warm = network.sandboxIds().find((id) => !known.has(id))
  t.strictSame(await network.applyNetfilter(['host-pool'], createTable('warm')), [])
  const three = await runtime.createSandbox(sandboxSpec('three'))
  t.equal(three.id, warm)
  t.match(await network.applyNetfilter([three.id], createTable('warm')), [
    { sandboxId: three.id, error: /File exists/ }
  ])
  t.match(await network.applyNetfilter([two.id], Buffer.from('rubbish, and no netlink message')), [])
  await network.applyConntrack([one.id, 'gone'], createTable('unused'))

  const all = await engine.docker.listContainers({
    filters: { label: ['mk.dev/cluster=network', 'mk.dev/kind=agent'] }
  })
  t.equal(all.length, 1)
  await engine.docker.getContainer(all[0]?.Id ?? '').kill()
  t.strictSame(
    await retried(() => network.applyNetfilter([two.id], createTable('again'))),
    [],
    'a killed agent is replaced'
  )
})

/** The request that was in flight when the agent was killed fails. */
async function retried<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch {
    return await task()
  }
}

void t.test('a sandbox that dies takes its interface along, and is told as stopped', async (t) => {
  const { runtime, cleanup, engine } = await openDocker('network-dies')
  t.teardown(cleanup)
  const sandbox = await runtime.createSandbox(sandboxSpec('dies'))
  await runtime.network.applyNetfilter([sandbox.id], createTable('open'))
  const id = await runtime.createContainer(containerSpec(sandbox, image, 'ls /sys/class/net; sleep 100'))
  await runtime.startContainer(id)
  const stopped = new Promise<string>((resolve) => {
    runtime.subscribe({
      onContainer: (event) => {
        if (event.sandbox && event.type === 'exited') resolve(event.podUid)
      },
      onResync: () => undefined
    })
  })
  await engine.docker.getContainer(sandbox.id).kill()
  t.equal(await stopped, 'uid-of-dies')
  t.match((await runtime.list()).sandboxes, [{ id: sandbox.id, state: 'stopped' }])
  t.notOk(runtime.network.sandboxIds().includes(sandbox.id))
  await runtime.removeContainer(id)
  await runtime.removeSandbox(sandbox.id)
  const again = await runtime.createSandbox(sandboxSpec('dies', { preferredIp: sandbox.ip }))
  t.equal(again.ip, sandbox.ip)
})

void t.test(
  'what a killed daemon left half-made or unused is removed, pods of warm sandboxes are kept',
  async (t) => {
    const stateDir = await mkdtemp(join(tmpdir(), 'mk-runtime-'))
    const program = fileURLToPath(new URL('doomed-daemon.ts', import.meta.url))
    const daemon = spawn(process.execPath, ['--import=tsx', program, stateDir], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const [line] = (await once(daemon.stdout, 'data')) as [Buffer]
    const sandbox = JSON.parse(String(line)) as Sandbox
    const ended = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await ended

    const engine = await connectEngine()
    const agentImage = (await engine.docker.getContainer(sandbox.id).inspect()).Image
    const labels = { 'mk.dev/cluster': 'network-kept', 'mk.dev/kind': 'sandbox' }
    const half = await engine.docker.createContainer({ Image: agentImage, Labels: labels })
    const next = createDockerRuntime({ cluster: 'network-kept', stateDir, engine, poolSize: 0 })
    t.teardown(async () => {
      await next.destroy()
      await rm(stateDir, { recursive: true, force: true })
      engine.close()
    })
    await next.start()
    t.match(await next.list(), {
      sandboxes: [{ id: sandbox.id, podName: 'kept', podUid: 'uid-of-kept', ip: sandbox.ip, state: 'ready' }],
      containers: [{ podName: 'kept', state: 'running' }]
    })
    const left = await engine.docker.listContainers({
      all: true,
      filters: { label: ['mk.dev/cluster=network-kept'] }
    })
    t.equal(left.length, 3, 'the sandbox, its container, the new agent')
    await t.rejects(half.inspect(), /404/)
    const spec = containerSpec(sandbox, image, 'busybox hostname', { attempt: 1 })
    const id = await next.createContainer(spec)
    await next.startContainer(id)
    t.equal(
      await text((await next.logs(id, { follow: true, timestamps: false })).output),
      'kept\n',
      'the host name was found again'
    )
  }
)
