import { chmodSync, existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { open, type Database, type RootDatabase } from 'lmdb'
import { messageOf } from '../base/errors.js'
import { checkLmdbFile } from './lmdb-check.js'
import { StoreError, type DriverWrite, type StoreDriver, type StoreRecord } from './store.js'

/** Before the value: CRC-32 of all that follows (4 bytes), modRevision and createRevision (8 bytes each). */
const headerBytes = 20
const revisionKey = 'revision'

// LMDB reports a short write as an I/O error, and passes on ENOSPC, EFBIG and EDQUOT.
const fullCodes = new Set<unknown>([5, 27, 28, 122])

function packRecord({ value, revision, createRevision }: DriverWrite & { value: Buffer }): Buffer {
  const packed = Buffer.allocUnsafe(headerBytes + value.length)
  packed.writeBigUInt64LE(BigInt(revision), 4)
  packed.writeBigUInt64LE(BigInt(createRevision), 12)
  value.copy(packed, headerBytes)
  packed.writeUInt32LE(crc32(packed.subarray(4)), 0)
  return packed
}

function unpackRecord(key: string, packed: Buffer): StoreRecord {
  if (packed.length < headerBytes || crc32(packed.subarray(4)) !== packed.readUInt32LE(0)) {
    throw new StoreError('corrupt', `the record of ${key} is damaged (checksum)`)
  }
  const modRevision = Number(packed.readBigUInt64LE(4))
  const createRevision = Number(packed.readBigUInt64LE(12))
  return { key, value: Buffer.from(packed.subarray(headerBytes)), modRevision, createRevision }
}

interface Opened {
  root: RootDatabase<Buffer, string>
  records: Database<Buffer, string>
  counters: Database<Buffer, string>
}

function openFile(path: string): Opened {
  try {
    checkLmdbFile(path)
    // Without overlapping sync a commit's promise resolves after fsync. A write map would turn a full disk into SIGBUS.
    const root = open<Buffer, string>({
      path,
      noSubdir: true,
      encoding: 'binary',
      maxDbs: 4,
      overlappingSync: false,
      // Batches are made above; a batch of lmdb's own leaves an unhandled rejection when a commit fails.
      eventTurnBatching: false,
      useWritemap: false,
      noMemInit: true
    })
    // Objects hold secrets: the files are their owner's alone, whatever the folder allows.
    for (const file of [path, `${path}-lock`]) if (existsSync(file)) chmodSync(file, 0o600)
    const database = (name: string) => root.openDB<Buffer, string>({ name, encoding: 'binary' })
    return { root, records: database('records'), counters: database('counters') }
  } catch (cause) {
    throw readFailure(path, cause)
  }
}

function readFailure(path: string, cause: unknown): Error {
  if (cause instanceof StoreError) return cause
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  // Not a matter of the content: no permission, no such directory, too many open files.
  if (code === 'EACCES' || code === 13 || code === 'ENOENT' || code === 2 || code === 24)
    return cause as Error
  return new StoreError('corrupt', `${path} can't be read: ${messageOf(cause)}`, { cause })
}

/** lmdb rejects with a wrapper whose `commitError` is a promise of the reason. */
async function commitFailure(error: unknown, path: string): Promise<Error> {
  let cause = error
  if (error instanceof Error && 'commitError' in error) {
    cause = await Promise.resolve(error.commitError).catch((reason: unknown) => reason)
  }
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (fullCodes.has(code)) {
    // What follows the system's words are LMDB's numbers of pages.
    const [reason = ''] = messageOf(cause).split(': ')
    return new StoreError('full', `the state can't be written, is the disk full? ${reason}: ${path}`, {
      cause
    })
  }
  return cause instanceof Error ? cause : new Error(messageOf(cause))
}

function load({ records, counters }: Opened, path: string): { records: StoreRecord[]; revision: number } {
  try {
    const counter = counters.getBinary(revisionKey)
    const revision = counter ? Number(counter.readBigUInt64LE(0)) : 0
    return { records: [...records.getRange()].map(({ key, value }) => unpackRecord(key, value)), revision }
  } catch (cause) {
    throw readFailure(path, cause)
  }
}

function put({ records, counters }: Opened, writes: readonly DriverWrite[]): void {
  const last = writes.at(-1)
  if (!last) return
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64LE(BigInt(last.revision))
  const pending = writes.map((write) =>
    write.value
      ? records.put(write.key, packRecord({ ...write, value: write.value }))
      : records.remove(write.key)
  )
  pending.push(counters.put(revisionKey, counter))
  // The batch's own promise tells the outcome; these would be unhandled rejections.
  for (const promise of pending) promise.catch(() => {})
}

/**
 * The embedded database (LMDB, one file and its lock file). An append is one durable transaction.
 * Opening fails with StoreError `corrupt` if the file is damaged (see `setAside`), appending with `full` if there is no
 * space; the file then holds all that was acknowledged. One process at a time: the caller holds the lock.
 */
export function createLmdbDriver(options: { path: string }): StoreDriver {
  const { path } = options
  let opened: Opened | undefined
  return {
    load: async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      opened ??= openFile(path)
      return load(opened, path)
    },
    append: async (writes) => {
      const database = opened
      if (!database) throw new StoreError('closed', 'the database is not open')
      try {
        await database.root.batch(() => {
          put(database, writes)
        })
      } catch (error) {
        throw await commitFailure(error, path)
      }
    },
    close: async () => {
      await opened?.root.close()
      opened = undefined
    }
  }
}
