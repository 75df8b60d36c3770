import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { StoreError } from './store.js'

/*
 * LMDB maps its file and trusts it: a truncated or overwritten file ends the process by a signal (SIGBUS, SIGSEGV)
 * instead of giving an error. So all pages that the trees reach are checked by plain reads before LMDB opens the file.
 * Layout of data version 2 (little-endian):
 *   page header, 24 bytes: page number u64, transaction u64, pad u16, flags u16, lower u16, upper u16 (overflow: pages u32)
 *   meta page, after the header: magic u32, version u32, address u64, map size u64, two trees, last page u64, transaction u64
 *   tree, 48 bytes: pad u32 (the page size, in the first tree), flags u16, depth u16, four counters u64, root page u64
 *   node: low u16, high u16, flags u16, key size u16, key, data; on branches the first three are the child's page number
 */
const headerBytes = 24
const treeBytes = 48
const firstTree = headerBytes + 24
const magic = 0xbeefc0de
const noPage = 0xffffffffffffffffn
const pageFlags = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 }
const nodeFlags = { bigData: 0x01, subTree: 0x02 }

interface Tree {
  depth: number
  root: bigint
}

const treeAt = (page: Buffer, offset: number): Tree => ({
  depth: page.readUInt16LE(offset + 6),
  root: page.readBigUInt64LE(offset + 40)
})

class LmdbFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #size: number
  #pageSize = 4096
  #pagesLeft = 0

  constructor(path: string, descriptor: number) {
    this.#path = path
    this.#descriptor = descriptor
    this.#size = fstatSync(descriptor).size
  }

  check(): void {
    const metas = [this.#meta(0)]
    this.#pageSize = metas[0]?.readUInt32LE(firstTree) ?? 0
    if (![512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].includes(this.#pageSize))
      this.#fail('impossible page size')
    metas.push(this.#meta(1))
    const newest = metas.reduce((a, b) => (a.readBigUInt64LE(152) >= b.readBigUInt64LE(152) ? a : b))
    this.#pagesLeft = Math.floor(this.#size / this.#pageSize)
    this.#tree(treeAt(newest, firstTree))
    this.#tree(treeAt(newest, firstTree + treeBytes))
  }

  #fail(why: string): never {
    throw new StoreError('corrupt', `${this.#path} is damaged: ${why}`)
  }

  #read(page: bigint, bytes: number): Buffer {
    const offset = page * BigInt(this.#pageSize)
    if (offset + BigInt(bytes) > BigInt(this.#size)) this.#fail(`page ${String(page)} is beyond its end`)
    const buffer = Buffer.alloc(bytes)
    readSync(this.#descriptor, buffer, 0, bytes, Number(offset))
    return buffer
  }

  #meta(page: number): Buffer {
    if (this.#size === 0) this.#fail('it is empty')
    const buffer = this.#read(BigInt(page), Math.min(this.#pageSize, 512))
    const isMeta =
      (buffer.readUInt16LE(18) & pageFlags.meta) !== 0 && buffer.readUInt32LE(headerBytes) === magic
    if (!isMeta) this.#fail('it is not a state file')
    if (buffer.readUInt32LE(headerBytes + 4) !== 2) this.#fail('its format is of another version')
    return buffer
  }

  #tree({ root, depth }: Tree): void {
    if (root !== noPage) this.#page(root, depth)
  }

  #page(number: bigint, depth: number): void {
    if (depth <= 0 || this.#pagesLeft-- <= 0) this.#fail('its pages refer to each other')
    const page = this.#read(number, this.#pageSize)
    const flags = page.readUInt16LE(18)
    const isBranch = (flags & pageFlags.branch) !== 0
    if (page.readBigUInt64LE(0) !== number || (!isBranch && (flags & pageFlags.leaf) === 0)) {
      this.#fail(`page ${String(number)} holds something else`)
    }
    const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)]
    if (lower > upper || upper > this.#pageSize - headerBytes)
      this.#fail(`page ${String(number)} has impossible bounds`)
    for (let at = 0; at < lower; at += 2) {
      const node = page.readUInt16LE(headerBytes + at) + headerBytes
      if (node < headerBytes + upper || node + 8 > this.#pageSize)
        this.#fail(`page ${String(number)} has an impossible entry`)
      if (isBranch)
        this.#page(BigInt(page.readUInt32LE(node)) + (BigInt(page.readUInt16LE(node + 4)) << 32n), depth - 1)
      else this.#leafNode(page, node, number)
    }
  }

  #leafNode(page: Buffer, node: number, number: bigint): void {
    const size = page.readUInt32LE(node)
    const flags = page.readUInt16LE(node + 4)
    const data = node + 8 + page.readUInt16LE(node + 6)
    const isBig = (flags & nodeFlags.bigData) !== 0
    const isTree = (flags & nodeFlags.subTree) !== 0
    if (data + (isBig ? 8 : isTree ? treeBytes : size) > this.#pageSize)
      this.#fail(`page ${String(number)} has an impossible entry`)
    if (isBig) this.#overflow(page.readBigUInt64LE(data), size)
    else if (isTree) this.#tree(treeAt(page, data))
  }

  #overflow(number: bigint, size: number): void {
    const header = this.#read(number, headerBytes)
    const pages = header.readUInt32LE(20)
    if ((header.readUInt16LE(18) & pageFlags.overflow) === 0 || pages * this.#pageSize < headerBytes + size) {
      this.#fail(`page ${String(number)} holds something else`)
    }
    const end = (number + BigInt(pages)) * BigInt(this.#pageSize)
    if (end > BigInt(this.#size)) this.#fail(`page ${String(number)} is cut off`)
  }
}

/** Throws StoreError `corrupt` if the file is not one that LMDB can map safely. A file that does not exist is fine. */
export function checkLmdbFile(path: string): void {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw error
  }
  try {
    new LmdbFile(path, descriptor).check()
  } finally {
    closeSync(descriptor)
  }
}
