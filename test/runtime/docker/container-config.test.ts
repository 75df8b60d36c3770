import t from 'tap'
import { containerConfig, engineResources } from '../../../src/runtime/docker/container-config.js'
import { noSharing, sandboxConfig, warmSandboxConfig } from '../../../src/runtime/docker/sandbox-config.js'
import { containerSpec, sandboxSpec } from '../suite.js'

const sandbox = { id: 'sb', podName: 'web' }
const config = (extra: object, options: object = {}) =>
  containerConfig(containerSpec(sandbox, 'image', '', extra), {
    cluster: 'c',
    sharing: noSharing,
    oomScoreFloor: -1000,
    ...options
  })

void t.test('command and arguments', (t) => {
  t.match(
    config({ command: ['a'] }),
    { Entrypoint: ['a'], Cmd: [] },
    "a command alone drops the image's arguments"
  )
  t.match(config({ command: undefined, args: ['x'] }), { Entrypoint: undefined, Cmd: ['x'] })
  t.match(config({ command: undefined }), { Entrypoint: undefined, Cmd: undefined })
  t.end()
})

void t.test('a member joins its sandbox, and the engine never restarts it', (t) => {
  t.match(config({}).HostConfig, {
    NetworkMode: 'container:sb',
    IpcMode: 'container:sb',
    PidMode: '',
    RestartPolicy: { Name: 'no' },
    Init: false
  })
  t.match(config({}, { sharing: { ...noSharing, sharePid: true } }).HostConfig, { PidMode: 'container:sb' })
  t.match(config({}, { sharing: { ...noSharing, hostPid: true, hostIpc: true } }).HostConfig, {
    PidMode: 'host',
    IpcMode: 'host'
  })
  t.equal(config({}).name, 'mk_c_default_web_main_uid-of-web_0')
  t.end()
})

void t.test('resources as the kubelet computes them', (t) => {
  t.match(engineResources({}), { CpuShares: 2, CpuQuota: 0, Memory: 0, MemorySwap: 0 })
  t.match(engineResources({ cpuRequest: 1500, cpuLimit: 2500, memoryLimitBytes: 1024 }), {
    CpuShares: 1536,
    CpuPeriod: 100000,
    CpuQuota: 250000,
    Memory: 1024,
    MemorySwap: 1024
  })
  t.match(engineResources({ cpuLimit: 1 }), { CpuShares: 2, CpuQuota: 1000 })
  t.end()
})

void t.test('an engine that cannot lower OOM scores is not asked to', (t) => {
  t.equal(config({ oomScoreAdj: -997 }).HostConfig?.OomScoreAdj, -997)
  t.equal(config({ oomScoreAdj: -997 }, { oomScoreFloor: 0 }).HostConfig?.OomScoreAdj, 0)
  t.end()
})

const network = {
  id: 'n',
  name: 'mk-c',
  cidr: '10.244.0.0/16',
  prefix: 16,
  gateway: '10.244.0.1',
  bridge: 'mk-c'
}
const shape = { cluster: 'c', image: 'agent', network, ip: '10.244.1.2', files: {}, oomScoreFloor: -1000 }

void t.test("sandboxes plumb themselves, use the engine's network, or the host's", (t) => {
  const spec = sandboxSpec('web', { sysctls: { 'net.core.somaxconn': '9', 'kernel.shm_rmid_forced': '1' } })
  const own = sandboxConfig(spec, { ...shape, mode: 'self-plumbed' })
  t.strictSame(own.Cmd, [
    'pause',
    '--bridge',
    'mk-c',
    '--veth',
    'mkv0af40102',
    '--address',
    '10.244.1.2/16',
    '--gateway',
    '10.244.0.1',
    '--sysctl',
    'net.core.somaxconn=9'
  ])
  t.match(own.HostConfig, {
    NetworkMode: 'host',
    IpcMode: 'shareable',
    CapDrop: ['ALL'],
    CapAdd: ['SYS_ADMIN', 'NET_ADMIN', 'SETPCAP'],
    Privileged: undefined
  })
  t.strictSame(own.HostConfig?.Sysctls, { 'kernel.shm_rmid_forced': '1' })
  const attached = sandboxConfig(spec, { ...shape, mode: 'docker-network' })
  t.match(attached, { Cmd: ['pause'], HostConfig: { NetworkMode: 'mk-c', CapAdd: undefined } })
  t.match(attached.NetworkingConfig, {
    EndpointsConfig: { 'mk-c': { IPAMConfig: { IPv4Address: '10.244.1.2' } } }
  })
  t.match(attached.HostConfig?.Sysctls, {
    'net.core.somaxconn': '9',
    'net.ipv4.ip_unprivileged_port_start': '0'
  })
  const host = sandboxConfig(sandboxSpec('h', { hostNetwork: true }), {
    ...shape,
    ip: '',
    mode: 'self-plumbed'
  })
  t.match(host, { Cmd: ['pause'], HostConfig: { NetworkMode: 'host', CapAdd: undefined } })
  t.match(warmSandboxConfig({ ...shape, mode: 'self-plumbed', directory: 'd' }), {
    name: 'mk_c_warm_d',
    Labels: { 'mk.dev/kind': 'warm', 'mk.dev/directory': 'd' }
  })
  t.end()
})
