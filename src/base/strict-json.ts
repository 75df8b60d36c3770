import { statusErrors } from './status.js'

/** Deeper documents are refused: no API type nests that far, and a recursive reader must not exhaust the stack. */
const maxDepth = 1000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// A run of characters that stand for themselves inside a string.

const plainRun = /[^"\\\u0000-\u001f]*/y
const escapes: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t'
}

const show = (char: string): string => (char === "'" ? `'\\''` : `'${JSON.stringify(char).slice(1, -1)}'`)

/** A reader for one JSON value that keeps what JSON.parse drops: which keys came twice, and where the value ends. */
class JsonReader {
  readonly #text: string
  #at: number
  #depth = 0
  readonly duplicates: string[] = []

  constructor(text: string, start: number) {
    this.#text = text
    this.#at = start
  }

  /** Offset of the first character that is neither read nor white space. */
  end(): number {
    this.#skipSpace()
    return this.#at
  }

  fail(looking: string): never {
    const char = this.#text[this.#at]
    if (char === undefined) throw statusErrors.badRequest('unexpected end of JSON input')
    throw statusErrors.badRequest(`invalid character ${show(char)} ${looking}`)
  }

  value(path: string): unknown {
    this.#skipSpace()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object(path))
      case '[':
        return this.#nested(() => this.#array(path))
      case '"':
        return this.#string()
      case 't':
        return this.#literal('true', true)
      case 'f':
        return this.#literal('false', false)
      case 'n':
        return this.#literal('null', null)
      default:
        return this.#number()
    }
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
      this.#at++
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > maxDepth) throw statusErrors.badRequest('exceeded max depth')
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #object(path: string): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.#skipSpace()
    if (this.#take('}')) return object
    for (;;) {
      this.#skipSpace()
      if (this.#text[this.#at] !== '"') this.fail('looking for beginning of object key string')
      const key = this.#string()
      const child = path ? `${path}.${key}` : key
      this.#skipSpace()
      if (!this.#take(':')) this.fail('after object key')
      if (Object.hasOwn(object, key) && !this.duplicates.includes(child)) this.duplicates.push(child)
      const value = this.value(child)
      // A plain assignment to this one key would set the prototype.
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
      else object[key] = value
      this.#skipSpace()
      if (this.#take('}')) return object
      if (!this.#take(',')) this.fail('after object key:value pair')
    }
  }

  #array(path: string): unknown[] {
    const array: unknown[] = []
    this.#skipSpace()
    if (this.#take(']')) return array
    for (;;) {
      array.push(this.value(`${path}[${String(array.length)}]`))
      this.#skipSpace()
      if (this.#take(']')) return array
      if (!this.#take(',')) this.fail('after array element')
    }
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #literal<T>(word: string, value: T): T {
    for (const char of word) {
      if (!this.#take(char)) this.fail(`in literal ${word} (expecting ${show(char)})`)
    }
    return value
  }

  #number(): number {
    numberPattern.lastIndex = this.#at
    const match = numberPattern.exec(this.#text)
    if (!match) this.fail('looking for beginning of value')
    this.#at += match[0].length
    return Number(match[0])
  }

  #string(): string {
    this.#at++
    let text = ''
    for (;;) {
      plainRun.lastIndex = this.#at
      const run = plainRun.exec(this.#text)?.[0] ?? ''
      text += run
      this.#at += run.length
      if (this.#take('"')) return text
      if (!this.#take('\\')) this.fail('in string literal')
      text += this.#escape()
    }
  }

  #escape(): string {
    if (this.#take('u')) {
      const hex = /^[0-9a-fA-F]{4}$/.exec(this.#text.slice(this.#at, this.#at + 4))
      if (!hex) this.fail('in \\u hexadecimal character escape')
      this.#at += 4
      return String.fromCharCode(parseInt(hex[0], 16))
    }
    const plain = escapes[this.#text[this.#at] ?? '']
    if (plain === undefined) this.fail('in string escape code')
    this.#at++
    return plain
  }
}

/** Reads one JSON value that begins at `start`; `end` is where the next non-space character is. Throws 400. */
export function readJsonValue(
  text: string,
  start: number
): { value: unknown; duplicates: string[]; end: number } {
  const reader = new JsonReader(text, start)
  const value = reader.value('')
  return { value, duplicates: reader.duplicates, end: reader.end() }
}

/**
 * Parses a request body. `duplicates` are the paths of keys that came more than once (`spec.replicas`; the last one
 * wins), for the `duplicate field` errors and warnings of field validation. Malformed JSON, invalid UTF-8 and
 * documents deeper than 1000 levels throw 400 with the words of Go's encoding/json.
 */
export function parseStrictJson(input: Buffer | string): { value: unknown; duplicates: string[] } {
  const text = typeof input === 'string' ? input : decode(input)
  const { value, duplicates, end } = readJsonValue(text, 0)
  const rest = text[end]
  if (rest !== undefined)
    throw statusErrors.badRequest(`invalid character ${show(rest)} after top-level value`)
  return { value, duplicates }
}

function decode(input: Buffer): string {
  try {
    return utf8.decode(input)
  } catch (cause) {
    throw statusErrors.badRequest(
      `the body is not valid UTF-8: ${cause instanceof Error ? cause.message : String(cause)}`
    )
  }
}
