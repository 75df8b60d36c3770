import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyPair } from './pki.js'

/** Secrets in a directory: 0700, files 0600, replaced in one step. */
export class PkiFiles {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    chmodSync(dir, 0o700)
  }

  read(name: string): string | undefined {
    const path = join(this.#dir, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined
  }

  write(name: string, text: string): void {
    const path = join(this.#dir, name)
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }

  readPair(name: string): KeyPair | undefined {
    const [cert, key] = [this.read(`${name}.crt`), this.read(`${name}.key`)]
    return cert !== undefined && key !== undefined ? { cert, key } : undefined
  }

  writePair(name: string, pair: KeyPair): void {
    this.write(`${name}.key`, pair.key)
    this.write(`${name}.crt`, pair.cert)
  }
}
