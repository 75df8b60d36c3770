import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { takeLock } from '../../src/daemon/lock.js'

t.test('one holder at a time', async (t) => {
  const path = join(t.testdir(), 'lock')
  const release = takeLock(path)
  t.match(readFileSync(path, 'utf8'), String(process.pid))
  t.throws(() => takeLock(path), { code: 'MK_DAEMON_RUNNING', message: new RegExp(String(process.pid)) })
  release()
  t.notOk(existsSync(path))
  takeLock(path)()
})

t.test('the lock of a dead process is taken over', async (t) => {
  const path = join(t.testdir(), 'lock')
  const { pid } = spawnSync('true')
  writeFileSync(path, `${pid} 12345\n`)
  takeLock(path)()
})

t.test('a live process with another start time is not the holder: its pid was given again', async (t) => {
  const path = join(t.testdir(), 'lock')
  const child = spawn('sleep', ['60'])
  t.teardown(() => child.kill())
  writeFileSync(path, `${child.pid} 1\n`)
  takeLock(path)()
  writeFileSync(path, `${child.pid}\n`)
  t.throws(() => takeLock(path), { code: 'MK_DAEMON_RUNNING' }, 'without a start time the pid alone decides')
  child.kill()
  await once(child, 'close')
  takeLock(path)()
})

t.test('an empty or damaged lock is taken over', async (t) => {
  const path = join(t.testdir(), 'lock')
  writeFileSync(path, '')
  takeLock(path)()
})

t.test('a process that ended and was not waited for is dead', async (t) => {
  const path = join(t.testdir(), 'lock')
  // The shell starts a child that ends at once and, being replaced by sleep, never waits for it.
  const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'])
  t.teardown(() => parent.kill())
  const pid = await new Promise<string>((resolve) =>
    parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
  )
  while (!readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z'))
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  writeFileSync(path, `${pid}\n`)
  takeLock(path)()
})
