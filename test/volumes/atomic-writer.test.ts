import { lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { writeAtomically } from '../../src/volumes/atomic-writer.js'
import type { Payload } from '../../src/volumes/atomic-writer.js'

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))
const ownership = { canChown: process.getuid?.() === 0 }
const now = new Date('2026-01-02T03:04:05Z')

t.test('files, swaps, removals', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mk-atomic-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  const write = (files: Record<string, string>, mode?: number) =>
    writeAtomically(directory, payload(files, mode), ownership, now)
  const read = (path: string) => readFileSync(join(directory, path), 'utf8')

  t.equal(await write({ a: '1', 'dir/b': '2' }), true)
  t.equal(read('a'), '1')
  t.equal(read('dir/b'), '2')
  t.equal(readlinkSync(join(directory, 'a')), '..data/a')
  t.equal(readlinkSync(join(directory, 'dir')), '..data/dir')
  const first = readlinkSync(join(directory, '..data'))
  t.match(first, /^\.\.2026_01_02_03_04_05\./)
  t.equal(await write({ a: '1', 'dir/b': '2' }), false, 'the same again changes nothing')
  t.equal(readlinkSync(join(directory, '..data')), first)

  t.equal(await write({ a: 'one', c: '3' }), true)
  t.equal(read('a'), 'one')
  t.same(
    readdirSync(directory).filter((name) => !name.startsWith('..')),
    ['a', 'c']
  )
  t.same(readdirSync(directory).filter((name) => name.startsWith('..2')).length, 1, 'the old ones are gone')

  t.equal(await write({ a: 'one', c: '3' }, 0o400), true, 'a mode is a change')
  if (ownership.canChown) t.equal(statSync(join(directory, 'a')).mode & 0o777, 0o400)
  t.equal(await write({}), true)
  t.same(
    readdirSync(directory).filter((name) => !name.startsWith('..')),
    []
  )
  t.ok(lstatSync(join(directory, '..data')).isSymbolicLink(), 'empty is a state too')
})

t.test('a daemon that can not give files away lets others read', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mk-atomic-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  await writeAtomically(directory, payload({ a: '' }, 0o400), { canChown: false }, now)
  t.equal(statSync(join(directory, 'a')).mode & 0o777, 0o444)
  t.equal(await writeAtomically(directory, payload({ a: '' }, 0o400), { canChown: false }, now), false)
})

t.test('fsGroup: the group may read', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mk-atomic-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  await writeAtomically(directory, payload({ a: '' }, 0o400), { ...ownership, fsGroup: 4321 }, now)
  const stats = statSync(join(directory, 'a'))
  if (ownership.canChown) t.match({ gid: stats.gid, mode: stats.mode & 0o777 }, { gid: 4321, mode: 0o440 })
  else t.equal(stats.mode & 0o777, 0o444)
})
