import { spawn } from 'node:child_process'
import {
  copyFileSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createLmdbDriver } from '../../src/store/lmdb-driver.js'
import { setAside } from '../../src/store/set-aside.js'
import { codeOf, driverSuite, openStore, text } from './suite.js'

driverSuite('lmdb', (t) => {
  const path = join(t.testdir(), 'state', 'state.db')
  return () => createLmdbDriver({ path })
})

const script = (url: URL): string[] => ['--import=tsx', fileURLToPath(url)]
const crashWriter = script(new URL('./crash-writer.ts', import.meta.url))
const fullWriter = script(new URL('./full-writer.ts', import.meta.url))

/** Runs the writer until it has acknowledged `count` writes, kills it, and returns all that it printed. */
async function crash(path: string, run: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [...crashWriter, path, run], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (lines.length === count) child.kill('SIGKILL')
  }
  return lines
}

void t.test('kill -9 among writes loses no acknowledged write', async (t) => {
  const path = join(t.testdir(), 'state.db')
  const acknowledged = new Map<string, string | undefined>()
  for (let run = 0; run < 4; run++) {
    const lines = await crash(path, String(run), 20 + Math.floor(Math.random() * 800))
    for (const line of lines) {
      const [, key = '', value] = line.split(' ')
      acknowledged.set(key, value)
    }
    const store = await openStore(createLmdbDriver({ path }))
    const revisionOf = (value: string | undefined): number => Number(value?.split('@')[1] ?? 0)
    for (const [key, value] of acknowledged) {
      const record = store.get(key)
      const unseen = record && revisionOf(String(record.value)) > revisionOf(value)
      if (value === undefined ? record && !unseen : record && String(record.value) !== value && !unseen)
        t.fail(`${key} is old`)
      // A loop has one write under way: at most its one next delete may be durable and unseen.
      acknowledged.set(key, record ? String(record.value) : undefined)
    }
    t.ok(
      store.revision >= Math.max(...lines.map((line) => revisionOf(line))),
      `run ${String(run)}: ${String(lines.length)} writes`
    )
    await store.close()
  }
})

/** A state file with 400 records, some large, closed. */
async function fill(path: string): Promise<void> {
  const store = await openStore(createLmdbDriver({ path }))
  const value = (i: number): Buffer => Buffer.alloc(i % 10 === 0 ? 9000 : 300, 'x')
  await Promise.all(Array.from({ length: 400 }, (_, i) => store.create(`/k/${String(i)}`, () => value(i))))
  await store.close()
}

function overwrite(path: string, offset: number, bytes: Buffer): void {
  const descriptor = openSync(path, 'r+')
  writeSync(descriptor, bytes, 0, bytes.length, offset)
  closeSync(descriptor)
}

void t.test('a damaged file is reported, not mapped', async (t) => {
  const dir = t.testdir()
  const good = join(dir, 'good.db')
  await fill(good)
  const size = statSync(good).size
  const damages: Record<string, (path: string) => void> = {
    empty: (path) => {
      truncateSync(path, 0)
    },
    'cut to a page': (path) => {
      truncateSync(path, 4096)
    },
    'cut in the middle': (path) => {
      truncateSync(path, size / 2)
    },
    'another file': (path) => {
      writeFileSync(path, 'not a database '.repeat(1000))
    },
    'zeros after the header': (path) => {
      overwrite(path, 8192, Buffer.alloc(size - 8192))
    },
    'noise after the header': (path) => {
      overwrite(path, 8192, Buffer.alloc(size - 8192, 'noise'))
    },
    'values changed': (path) => {
      const content = readFileSync(path, 'latin1')
      writeFileSync(path, content.replaceAll('xxxxxxxx', 'xxxxxxxy'), 'latin1')
    }
  }
  for (const [name, damage] of Object.entries(damages)) {
    const path = join(dir, `${name}.db`)
    copyFileSync(good, path)
    damage(path)
    t.equal(await codeOf(() => openStore(createLmdbDriver({ path }))), 'corrupt', name)
  }
  const store = await openStore(createLmdbDriver({ path: good }))
  t.equal(store.list({ prefix: '' }).records.length, 400)
  await store.close()
})

void t.test('a damaged file is set aside, with its time', async (t) => {
  const path = join(t.testdir({ 'state.db': 'x' }), 'state.db')
  const kept = await setAside(path, {
    now: () => new Date('2026-01-02T03:04:05.678Z'),
    after: () => () => {}
  })
  t.equal(kept, `${path}.corrupt-20260102T030405Z`)
  t.equal(readFileSync(kept, 'utf8'), 'x')
})

void t.test('random damage never ends the process', async (t) => {
  const dir = t.testdir()
  const good = join(dir, 'good.db')
  await fill(good)
  const size = statSync(good).size
  for (let i = 0; i < 40; i++) {
    const path = join(dir, `${String(i)}.db`)
    copyFileSync(good, path)
    overwrite(path, Math.floor(Math.random() * size), Buffer.alloc(64, i))
    const code = await codeOf(async () => {
      const store = await openStore(createLmdbDriver({ path }))
      await store.close()
    })
    t.ok(['none', 'corrupt'].includes(code))
  }
})

void t.test('a full disk: the write fails, the rest goes on', async (t) => {
  // The limit on file size stands in for the disk; without the signal a write beyond it fails.
  const path = join(t.testdir(), 'state.db')
  const child = spawn(
    'sh',
    ['-c', `trap '' XFSZ; ulimit -f 2048; exec "$@"`, 'sh', process.execPath, ...fullWriter, path],
    { stdio: ['ignore', 'pipe', 'ignore'] }
  )
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  t.strictSame(lines.slice(-4), ['full', 'failed write invisible: true', 'reads: true', 'usable: true'])
  const store = await openStore(createLmdbDriver({ path }))
  t.equal(store.list({ prefix: '/big' }).records.length, Number(lines[0]) - 2)
  t.equal(String(store.get('/after')?.value), `x@${String(store.revision)}`)
  t.ok(await store.create('/later', text('x')))
  await store.close()
})
