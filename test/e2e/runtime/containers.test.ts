import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { ContainerSpec, SandboxSpec } from '../../../src/runtime/runtime.js'
import { containerSpec, recordEvents, sandboxSpec } from '../../runtime/suite.js'
import { image, openDocker } from './docker-host.js'

t.setTimeout(180_000)
const alive = setInterval(() => undefined, 1000)
t.teardown(() => {
  clearInterval(alive)
})

const { runtime, engine, stateDir, cleanup } = await openDocker('containers', {
  poolSize: 2,
  serviceCidr: '10.96.77.0/24'
})
t.teardown(cleanup)
const idle = 'trap exit TERM; while true; do sleep 0.1; done'

async function run(
  pod: string,
  script: string,
  extra: Partial<ContainerSpec> = {},
  sandbox: Partial<SandboxSpec> = {}
) {
  const box = await runtime.createSandbox(sandboxSpec(pod, sandbox))
  const id = await runtime.createContainer(containerSpec(box, image, script, extra))
  await runtime.startContainer(id)
  return { box, id }
}

/** Runs to the end and gives the output. */
async function output(
  pod: string,
  script: string,
  extra: Partial<ContainerSpec> = {},
  sandbox: Partial<SandboxSpec> = {}
): Promise<string> {
  const { id } = await run(pod, script, extra, sandbox)
  const { output } = await runtime.logs(id, { follow: true, timestamps: false })
  return await text(output)
}

void t.test('host name, resolv.conf and hosts, from the first instruction on, warm and cold', async (t) => {
  const resolvConfPath = join(stateDir, 'resolv.conf')
  const hostsPath = join(stateDir, 'hosts')
  await writeFile(resolvConfPath, 'nameserver 10.96.0.10\n')
  await writeFile(hostsPath, '# Kubernetes-managed hosts file.\n')
  const script = 'busybox hostname; cat /etc/hostname /etc/resolv.conf /etc/hosts; echo $HOSTNAME'
  const env = [{ name: 'HOSTNAME', value: 'from-spec' }]
  for (const shareProcessNamespace of [true, false, false, false]) {
    const name = `named-${String(Math.random()).slice(2, 8)}`
    const got = await output(name, script, { env }, { resolvConfPath, hostsPath, shareProcessNamespace })
    t.equal(got, `${name}\n${name}\nnameserver 10.96.0.10\n# Kubernetes-managed hosts file.\nfrom-spec\n`)
  }
})

void t.test('command and arguments, environment, directory, user, groups', async (t) => {
  t.equal(await output('image', '', { command: undefined as never }), 'from the image\n')
  const { id } = await run('args', '', { command: ['/bin/busybox'], args: ['echo', 'a b'] })
  t.equal(await text((await runtime.logs(id, { follow: true, timestamps: false })).output), 'a b\n')
  const identity = 'id -u; id -g; id -G; pwd; echo $A'
  const spec = {
    user: '1000:1001',
    supplementalGroups: [7],
    workingDir: '/tmp',
    env: [{ name: 'A', value: '$B=c' }]
  }
  t.equal(await output('identity', identity, spec), '1000\n1001\n1001 7\n/tmp\n$B=c\n')
})

void t.test('security: capabilities, read-only root, no new privileges, seccomp', async (t) => {
  const script = 'grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status; echo x > /file || true'
  const got = await output('secure', script, {
    capabilitiesDrop: ['ALL'],
    capabilitiesAdd: ['CHOWN'],
    readOnlyRootFilesystem: true,
    noNewPrivileges: true
  })
  t.match(got, /CapBnd:\s+0000000000000001\n/)
  t.match(got, /NoNewPrivs:\s+1\n/)
  t.match(got, /Seccomp:\s+2\n/)
  t.match(got, /Read-only file system/)
  t.match(await output('unconfined', script, { seccompProfile: 'unconfined' }), /Seccomp:\s+0\n/)
})

void t.test('resources, also changed live', async (t) => {
  const { id } = await run('resources', idle, {
    resources: { cpuRequest: 250, cpuLimit: 500, memoryLimitBytes: 64 * 2 ** 20, pidsLimit: 50 }
  })
  const read = async () => (await engine.docker.getContainer(id).inspect()).HostConfig
  t.match(await read(), {
    CpuShares: 256,
    CpuPeriod: 100000,
    CpuQuota: 50000,
    Memory: 67108864,
    MemorySwap: 67108864,
    PidsLimit: 50
  })
  await runtime.updateResources(id, { cpuRequest: 500, cpuLimit: 1000, memoryLimitBytes: 128 * 2 ** 20 })
  t.match(await read(), { CpuShares: 512, CpuQuota: 100000, Memory: 134217728, MemorySwap: 134217728 })
  t.ok((await runtime.stats(id)).memoryWorkingSetBytes > 0)
})

void t.test('exit codes: out of memory, stop signal, grace that runs out', async (t) => {
  const { until } = recordEvents(runtime)
  const oom = await run('oom', 'sleep 1; busybox dd if=/dev/zero of=/dev/null bs=60M count=1', {
    resources: { memoryLimitBytes: 8 * 2 ** 20 }
  })
  await until('exited', oom.id)
  t.match(await runtime.inspectContainer(oom.id), { exitCode: 137, oomKilled: true })
  const graceful = await run('graceful', 'trap "exit 9" TERM; while true; do sleep 0.1; done')
  await runtime.execSync(graceful.id, { command: ['true'], timeoutMs: 1000 })
  await runtime.stopContainer(graceful.id, { graceSeconds: 10 })
  t.match(await runtime.inspectContainer(graceful.id), { exitCode: 9 })
  const bySignal = await run('by-signal', 'trap "exit 8" USR1; echo ready; while true; do sleep 0.1; done')
  await firstChunk((await runtime.logs(bySignal.id, { follow: true, timestamps: false })).output)
  await runtime.stopContainer(bySignal.id, { graceSeconds: 10, signal: 'USR1' })
  t.match(await runtime.inspectContainer(bySignal.id), { exitCode: 8 })
  const stubborn = await run('stubborn', 'trap "" TERM; while true; do sleep 0.1; done')
  await runtime.stopContainer(stubborn.id, { graceSeconds: 1 })
  t.match(await runtime.inspectContainer(stubborn.id), { exitCode: 137 })
})

const firstChunk = (stream: Readable): Promise<string> =>
  new Promise((resolve) =>
    stream.once('data', (chunk) => {
      resolve(String(chunk))
    })
  )

void t.test('logs: tail, since, timestamps, follow to the end, terminal', async (t) => {
  const { id } = await run('logs', 'echo one; echo two; echo three')
  const read = async (options: object) =>
    await text((await runtime.logs(id, { follow: true, timestamps: false, ...options })).output)
  t.equal(await read({}), 'one\ntwo\nthree\n')
  t.equal(await read({ tailLines: 1 }), 'three\n')
  t.equal(await read({ tailLines: 0 }), '')
  t.match(await read({ timestamps: true, tailLines: 1 }), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z three\n$/)
  t.equal(await read({ since: new Date(Date.now() + 3_600_000) }), '')
  t.match(await output('both', 'echo out; echo err >&2'), /^(out\nerr|err\nout)\n$/)
  t.equal(await output('tty', 'echo on a terminal', { tty: true }), 'on a terminal\r\n')
  await t.rejects(runtime.logs('0123456789ab', { follow: false, timestamps: false }), {
    code: 'MK_CONTAINER_NOT_FOUND'
  })
})

void t.test('exec: separate streams, input, exit code, terminal size', async (t) => {
  const { id } = await run('exec', idle)
  const session = await runtime.exec(id, {
    command: ['busybox', 'sh', '-c', 'cat; echo err >&2; exit 7'],
    stdin: true,
    tty: false
  })
  session.stdin.end('in\n')
  t.strictSame(await Promise.all([text(session.stdout), text(session.stderr), session.exitCode]), [
    'in\n',
    'err\n',
    7
  ])
  const big = await runtime.exec(id, {
    command: ['busybox', 'sh', '-c', 'busybox md5sum; busybox dd if=/dev/zero bs=1M count=3 2>/dev/null'],
    stdin: true,
    tty: false
  })
  big.stdin.end(Buffer.alloc(3 * 2 ** 20, 'x'))
  const out = await text(big.stdout)
  t.match(out, /^11d4c49c6ae31b1e3d8d2b3a2dd7f1c1|^[0-9a-f]{32} {2}-\n/)
  t.equal(out.length, 36 + 3 * 2 ** 20)
  const terminal = await runtime.exec(id, {
    command: ['busybox', 'sh', '-c', 'read x; busybox stty size'],
    stdin: true,
    tty: true
  })
  await terminal.resize({ width: 99, height: 33 })
  terminal.stdin.write('go\n')
  t.match(await text(terminal.stdout), /33 99/)
  t.equal(await terminal.exitCode, 0)
  const missing = await runtime.exec(id, { command: ['/none'], stdin: false, tty: false })
  t.match(await text(missing.stdout), /no such file/)
  t.ok([126, 127].includes(await missing.exitCode))
})

void t.test('attach: output and input of the container itself', async (t) => {
  const box = await runtime.createSandbox(sandboxSpec('attach'))
  const id = await runtime.createContainer(
    containerSpec(box, image, 'read line; echo got $line; exit 5', { stdin: true, stdinOnce: true })
  )
  const session = await runtime.attach(id, { stdin: true, tty: false })
  await runtime.startContainer(id)
  session.stdin.write('it\n')
  t.equal(await text(session.stdout), 'got it\n')
  t.equal(await session.exitCode, 5)
})

void t.test("short commands through the agent have the container's own identity and limits", async (t) => {
  const { id } = await run('probe', idle, {
    user: '1000:1001',
    supplementalGroups: [7],
    workingDir: '/tmp',
    env: [{ name: 'A', value: 'b' }],
    capabilitiesDrop: ['ALL'],
    noNewPrivileges: true
  })
  const sh = (script: string, timeoutMs = 5000) =>
    runtime.execSync(id, { command: ['busybox', 'sh', '-c', script], timeoutMs })
  t.match(await sh('id -u; id -G; pwd; echo $A; hostname; echo err >&2; exit 3'), {
    exitCode: 3,
    timedOut: false,
    output: '1000\n1001 7\n/tmp\nb\nprobe\nerr\n'
  })
  const { output } = await sh('grep -E "Cap(Eff|Bnd)|NoNewPrivs|Seccomp:" /proc/self/status')
  t.match(output, /CapEff:\s+0{16}\nCapBnd:\s+0{16}\nNoNewPrivs:\s+1\nSeccomp:\s+2\n/)
  t.match(
    await sh('busybox unshare -U true'),
    { exitCode: /[1-9]/ },
    'what the default seccomp profile refuses is refused'
  )
  const started = Date.now()
  t.match(await sh('sleep 60 & sleep 60', 300), { timedOut: true })
  t.ok(Date.now() - started < 5000)
  t.equal((await sh('busybox yes | busybox head -c 100000')).output.length, 10 * 1024)
  t.match(await runtime.execSync(id, { command: ['none'], timeoutMs: 1000 }), { exitCode: 127 })
  const many = await Promise.all(Array.from({ length: 20 }, (_, i) => sh(`exit ${String(i)}`)))
  t.strictSame(
    many.map((r) => r.exitCode),
    Array.from({ length: 20 }, (_, i) => i)
  )
  const named = await run('probe-named', idle, { user: 'app' })
  t.match(
    await runtime.execSync(named.id, { command: ['busybox', 'sh', '-c', 'id; echo $HOME'], timeoutMs: 5000 }),
    {
      output: 'uid=1000(app) gid=1001(app) groups=1001(app),1002(extra)\n/home/app\n'
    }
  )
  const privileged = await run('probe-more', idle, { capabilitiesAdd: ['SYS_TIME'] })
  t.match(
    (
      await runtime.execSync(privileged.id, {
        command: ['busybox', 'grep', 'CapEff', '/proc/self/status'],
        timeoutMs: 5000
      })
    ).output,
    /00000000aa0425fb/
  )
})

void t.test("dial: the pod's own loopback, refusals, a lot of data both ways", async (t) => {
  const { box } = await run('dial', 'busybox nc -ll -p 8080 -e /bin/busybox cat')
  const connect = async (): Promise<Awaited<ReturnType<typeof runtime.dial>>> => {
    try {
      return await runtime.dial(box.id, 8080)
    } catch {
      return await connect() // it does not listen yet
    }
  }
  const payload = Buffer.alloc(5 * 2 ** 20, 'abcdefghij')
  await Promise.all(
    [1, 2, 3].map(async () => {
      const stream = await connect()
      stream.end(payload)
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      t.ok(Buffer.concat(chunks).equals(payload))
    })
  )
  await t.rejects(runtime.dial(box.id, 81), {
    code: 'MK_ENGINE_FAILED',
    message: 'dial tcp4 127.0.0.1:81: Connection refused'
  })
})

void t.test('namespaces that pods share, or not', async (t) => {
  const box = await runtime.createSandbox(sandboxSpec('shared', { shareProcessNamespace: true }))
  const first = await runtime.createContainer(containerSpec(box, image, idle))
  const second = await runtime.createContainer(
    containerSpec(box, image, 'busybox ps; ls /dev/shm; sleep 100', { containerName: 'second' })
  )
  await runtime.startContainer(first)
  await runtime.execSync(first, { command: ['busybox', 'touch', '/dev/shm/common'], timeoutMs: 5000 })
  await runtime.startContainer(second)
  const { output: seen } = await runtime.execSync(second, {
    command: ['busybox', 'sh', '-c', 'ps; ls /dev/shm'],
    timeoutMs: 5000
  })
  t.match(seen, /1 .*mk-agent pause/)
  t.match(seen, /common/)
  const host = await output(
    'host',
    'hostname; ls /proc | busybox grep -c "^[0-9]"; ls /sys/class/net',
    {},
    { hostNetwork: true, hostPid: true, hostname: hostname() }
  )
  t.match(host, new RegExp(`^${hostname()}\n`))
})

void t.test("sysctls, low ports, no way to the host's loopback", async (t) => {
  const got = await output(
    'sysctls',
    'cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced',
    {},
    {
      sysctls: { 'net.core.somaxconn': '1024', 'kernel.shm_rmid_forced': '1' }
    }
  )
  t.equal(got, '1024\n0\n1\n')
})

void t.test(
  "volumes: bind, tmpfs, shared memory volume that outlives its containers; removal of root's files",
  async (t) => {
    const dir = join(stateDir, 'volume')
    await mkdir(dir)
    await runtime.volumes.createTmpfs({ name: 'mk-test-tmpfs', podUid: 'uid-of-volumes', sizeBytes: 2 ** 20 })
    const { box, id } = await run(
      'volumes',
      'mkdir /data/sub; echo kept > /data/sub/file; echo mem > /mem/file; stat -c %a /mem; df -k /mem | busybox tail -1',
      {
        mounts: [
          { type: 'bind', source: dir, target: '/data', readOnly: false },
          { type: 'volume', source: 'mk-test-tmpfs', target: '/mem', readOnly: false },
          { type: 'tmpfs', source: '', target: '/scratch', readOnly: false, tmpfs: { sizeBytes: 4096 } }
        ]
      },
      { tmpfsVolumes: ['mk-test-tmpfs'] }
    )
    t.match(await text((await runtime.logs(id, { follow: true, timestamps: false })).output), /777\n.* 1024 /)
    t.equal(await readFile(join(dir, 'sub', 'file'), 'utf8'), 'kept\n')
    const again = await runtime.createContainer(
      containerSpec(box, image, 'test $(cat /mem/file) = mem && echo no > /data/x', {
        attempt: 1,
        mounts: [
          { type: 'volume', source: 'mk-test-tmpfs', target: '/mem', readOnly: false },
          { type: 'bind', source: dir, target: '/data', readOnly: true }
        ]
      })
    )
    await runtime.startContainer(again)
    t.match(await text((await runtime.logs(again, { follow: true, timestamps: false })).output), /Read-only/)
    await runtime.volumes.removeDirectory(dir)
    await t.rejects(readFile(join(dir, 'sub', 'file')))
    await runtime.volumes.removeDirectory(dir)
    for (const container of [id, again]) await runtime.removeContainer(container)
    await runtime.removeSandbox(box.id)
    await runtime.volumes.remove('mk-test-tmpfs')
    await runtime.volumes.remove('mk-test-tmpfs')
  }
)

void t.test('pods reach each other; an unrouted service address is refused at once', async (t) => {
  const { box } = await run('server', 'busybox nc -ll -p 80 -e /bin/busybox echo hello')
  const { id } = await run('client', idle)
  const reach = () =>
    runtime.execSync(id, { command: ['busybox', 'nc', '-w', '2', box.ip, '80'], timeoutMs: 5000 })
  let answer = await reach()
  while (answer.output !== 'hello\n') answer = await reach()
  const started = Date.now()
  t.match(
    await runtime.execSync(id, {
      command: ['busybox', 'nc', '-w', '10', '10.96.77.5', '80'],
      timeoutMs: 20_000
    }),
    { exitCode: 1 }
  )
  t.ok(Date.now() - started < 5000)
})
