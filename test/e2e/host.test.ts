import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { eventually, root, startCluster } from '../fixtures/cluster.js'
import type { Teardown } from '../fixtures/cluster.js'
import { run } from '../fixtures/kubectl.js'
import { installPackage } from '../fixtures/package.js'

/** Runs a program as root: directly, or by a sudo that does not ask. */
async function asRoot(program: string, ...args: string[]): Promise<string> {
  const command = process.getuid?.() === 0 ? [program, ...args] : ['sudo', '-n', program, ...args]
  const result = await run(command[0] ?? '', command.slice(1))
  if (result.code === 0) return result.text.trim()
  throw new Error(`this test needs root: ${command.join(' ')} exited ${result.code}: ${result.stderr}`)
}

/** A disk of this many MB, mounted until the test ends. */
async function mountDisk(t: Teardown, megabytes: number): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'mk-disk-'))
  const owner = `uid=${process.getuid?.() ?? 0},mode=0700`
  await asRoot('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,${owner}`, 'tmpfs', directory)
  t.teardown(async () => {
    await asRoot('umount', '--lazy', directory)
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}

t.test('a full disk', { timeout: 240_000 }, async (t) => {
  const disk = await mountDisk(t, 24)
  const cluster = await startCluster(t, [], { env: { XDG_DATA_HOME: disk } })
  const filler = join(disk, 'filler')
  const fill = async () => {
    // Ends with an error when there is no more room, which is the purpose.
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k', 'oflag=append', 'conv=notrunc'])
  }
  const text = 'x'.repeat(100_000)
  const create = (name: string) =>
    cluster.mk(['apply', '-f', '-'], {
      input: `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { text: ${text} }\n`
    })
  const acknowledged: string[] = []
  const names = async (): Promise<string[]> =>
    (await cluster.mk(['get', 'configmaps', '-o', 'name'])).text.match(/full-\d+/g) ?? []

  t.equal((await create('full-0')).code, 0)
  acknowledged.push('full-0')
  await fill()
  let refused = ''
  for (let i = 1; refused === '' && i < 100; i++) {
    const result = await create(`full-${i}`)
    if (result.code === 0) acknowledged.push(`full-${i}`)
    else refused = result.stderr
  }
  t.match(refused, /disk.*full|no space left/i, 'the refusal says why')
  t.match(refused, disk, 'and which disk')
  t.notMatch(refused, /^ +at /m)
  for (const name of acknowledged) t.ok((await names()).includes(name), `${name} can still be read`)
  t.equal((await cluster.mk(['status'])).code, 0, 'the daemon runs on')

  rmSync(filler)
  await eventually('writes work again', async () =>
    (await create('full-100')).code === 0 ? true : undefined
  )
  acknowledged.push('full-100')
  t.equal((await cluster.mk(['down'])).code, 0)

  await fill()
  const up = await cluster.mk(['up'])
  t.equal(up.code, 1)
  t.match(up.stderr, /disk.*full|no space left/i)
  t.match(up.stderr, /make room/)
  rmSync(filler)
  const again = await cluster.mk(['up'])
  t.equal(again.code, 0, again.stderr)
  t.same((await names()).sort(), [...acknowledged].sort(), 'nothing that was acknowledged is lost')
})

t.test('other users', { timeout: 300_000 }, async (t) => {
  const socket = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').replace('unix://', '')
  const group = (await asRoot('getent', 'group', String(statSync(socket).gid))).split(':')[0] ?? ''
  if (group === 'root') throw new Error(`this test needs ${socket} to belong to a group such as docker`)
  const { mk: program, path, directory } = await installPackage(t)
  const user = async (name: string, groups: readonly string[]) => {
    const home = join(directory, name)
    mkdirSync(home, { mode: 0o700 })
    const choice = groups.length > 0 ? ['--groups', groups.join(',')] : []
    await asRoot('useradd', '--no-create-home', '--home-dir', home, '--no-user-group', ...choice, name)
    t.teardown(() => asRoot('userdel', name))
    const [uid = '', gid = ''] = [await asRoot('id', '-u', name), await asRoot('id', '-g', name)]
    chownSync(home, Number(uid), Number(gid))
    const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
    const setpriv = (await asRoot('sh', '-c', 'command -v setpriv')).trim()
    const as = [...sudo, setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', program]
    return { home, program: as, env: { HOME: home, PATH: path, XDG_RUNTIME_DIR: undefined } }
  }

  await t.test('without permission on the socket', async (t) => {
    const {
      program: [first = '', ...args],
      env
    } = await user('mk-e2e-stranger', [])
    const result = await run(first, [...args, 'up'], { env: { ...env } })
    t.equal(result.code, 1)
    t.match(result.stderr, /permission/i)
    t.match(result.stderr, socket)
    t.match(result.stderr, /usermod -aG docker/, 'says what to do')
  })

  await t.test('with no more than the group of the socket', async (t) => {
    const cluster = await startCluster(t, [], await user('mk-e2e-member', [group]))
    const applied = await cluster.mk(['apply', '-f', join(root, 'examples/hello'), '--wait'])
    t.equal(applied.code, 0, applied.stderr)
    await eventually('the app answers', async () =>
      (await cluster.fetch('/')).status === 200 ? true : undefined
    )
    t.equal((await cluster.fetch('/', { tls: true })).status, 200)
    t.match((await cluster.mk(['exec', 'deploy/hello', '--', 'cat', '/etc/hello/motd'])).text, 'Change me')
    t.equal((await cluster.mk(['down'])).code, 0)
    t.equal((await cluster.mk(['up'])).code, 0)
    t.equal((await cluster.mk(['rollout', 'status', 'deploy/hello', '--timeout', '60s'])).code, 0)
    const deleted = await cluster.mk(['delete', 'cluster', '--yes'])
    t.equal(deleted.code, 0, deleted.stderr)
    t.equal(await asRoot('find', join(cluster.home, '.local/share'), '-type', 'f'), '', 'no file is left')
  })
})

t.test('files of the user alone, listeners on this host alone', { timeout: 60_000 }, async (t) => {
  const cluster = await startCluster(t)
  const mode = (path: string) => (statSync(join(cluster.home, path)).mode & 0o777).toString(8)
  for (const directory of ['.local/state/mk', '.local/share/mk', '.config/mk', 'run/mk'])
    t.equal(mode(directory), '700', directory)
  for (const file of ['.local/state/mk/daemon.log', '.config/mk/kubeconfig', 'run/mk/daemon.sock'])
    t.equal(mode(file), '600', file)
  const status = await cluster.mk(['status'])
  t.match(status.text, join(cluster.home, '.local/state/mk/daemon.log'), 'mk status says where the log is')
  t.match((await cluster.mk(['status', '--logs'])).text, 'the daemon listens')
})

t.test('an engine that has ended and left its socket', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'mk-e2e-'))
  t.teardown(() => {
    rmSync(home, { recursive: true, force: true })
  })
  const socket = join(home, 'docker.sock')
  const engine = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen('${socket}', () => process.kill(process.pid, 'SIGKILL'))`
  ])
  await once(engine, 'close')
  t.ok(statSync(socket).isSocket())
  const env = { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: `unix://${socket}` }
  const result = await run(join(root, 'bin/mk'), ['up'], { env })
  t.equal(result.code, 1)
  t.match(result.stderr, socket)
  t.match(result.stderr, /start/i, 'says what to do')
  writeFileSync(join(home, 'x.yaml'), 'kind: ConfigMap\napiVersion: v1\nmetadata: { name: x }\n')
  const apply = await run(join(root, 'bin/mk'), ['apply', '-f', join(home, 'x.yaml')], { env })
  t.equal(apply.code, 1)
  t.match(apply.stderr, 'mk up')
})
