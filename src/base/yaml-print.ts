import { isAmbiguous } from './yaml-scalars.js'

/** Prints YAML byte for byte as `kubectl -o yaml` does: the rules of libyaml's emitter and of go-yaml v2 above it. */

/** Text longer than this can't be a key on the line of its value. */
const maxSimpleKeyBytes = 128

const letter = /\p{L}/u
const digit = /\p{Nd}/u

/** Reads the number that starts at `at`; `from` is 1 if a digit other than 0 precedes. */
function numberAt(runes: readonly string[], at: number, from: bigint): { value: bigint; end: number } {
  let value = from
  let end = at
  for (; digit.test(runes[end] ?? ''); end++)
    value = value * 10n + BigInt(parseInt(runes[end] ?? '0', 10) || 0)
  return { value, end }
}

/** go-yaml's order of keys: letters after other characters, numbers by size (`a2` before `a10`). */
function compareKeys(left: string, right: string): number {
  const [a, b] = [[...left], [...right]]
  let afterDigit = false
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x = '', y = ''] = [a[i], b[i]]
    if (x === y) {
      afterDigit = digit.test(x)
      continue
    }
    const [isLetterX, isLetterY] = [letter.test(x), letter.test(y)]
    if (isLetterX && isLetterY) return x < y ? -1 : 1
    if (isLetterX || isLetterY) return isLetterX === afterDigit ? -1 : 1
    return compareNumbers(a, b, i) || (x < y ? -1 : 1)
  }
  return a.length - b.length
}

function compareNumbers(a: readonly string[], b: readonly string[], at: number): number {
  let from = 0n
  if (a[at] === '0' || b[at] === '0') {
    for (let j = at - 1; j >= 0 && digit.test(a[j] ?? ''); j--) if (a[j] !== '0') from = 1n
  }
  const [x, y] = [numberAt(a, at, from), numberAt(b, at, from)]
  if (x.value !== y.value) return x.value < y.value ? -1 : 1
  return x.end - y.end
}

// Characters that libyaml writes as they are. A tab is not one of them.
const printable = /^[\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u
const lineBreak = /[\n\r\u0085\u2028\u2029]/u
// Indicators that end a plain scalar of block style.
const blockIndicator =
  /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:[\s\u2028\u2029]|$))|:(?:[\s\u2028\u2029]|$)|[\s\u2028\u2029]#/u

interface Allowed {
  plain: boolean
  single: boolean
  block: boolean
}

/** Which styles can hold the text without loss (yaml_emitter_analyze_scalar). */
function analyse(text: string): Allowed {
  if (text === '') return { plain: true, single: true, block: false }
  const special = !printable.test(text)
  const spaceBeforeBreak = / [\n\r\u0085\u2028\u2029]/u.test(text)
  const breakBeforeSpace = /[\n\r\u0085\u2028\u2029] /u.test(text)
  const edges = /^[ \n\r\u0085\u2028\u2029]|[ \n\r\u0085\u2028\u2029]$/u.test(text)
  return {
    plain: !special && !edges && !lineBreak.test(text) && !blockIndicator.test(text),
    single: !special && !spaceBeforeBreak && !breakBeforeSpace,
    block: !special && !spaceBeforeBreak && !text.endsWith(' ')
  }
}

const shortEscapes: Record<string, string> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P'
}

function doubleQuoted(text: string): string {
  const escaped = [...text].map((char) => {
    const needs = char === '"' || char === '\\' || lineBreak.test(char) || !printable.test(char)
    if (!needs) return char
    const code = char.codePointAt(0) ?? 0
    const hex = code.toString(16).toUpperCase()
    const coded =
      code <= 0xff
        ? `\\x${hex.padStart(2, '0')}`
        : code <= 0xffff
          ? `\\u${hex.padStart(4, '0')}`
          : `\\U${hex.padStart(8, '0')}`
    return shortEscapes[char] ?? coded
  })
  return `"${escaped.join('')}"`
}

function literal(text: string, indent: number): string {
  const indentation = /^[ \n]/.test(text) ? '2' : ''
  const chomping = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : ''
  const pad = ' '.repeat(indent)
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  return `|${indentation}${chomping}\n${lines.map((line) => (line === '' ? '' : pad + line)).join('\n')}`
}

function quote(text: string, wantDouble: boolean, allowed: Allowed): string {
  return wantDouble || !allowed.single ? doubleQuoted(text) : `'${text.replaceAll("'", "''")}'`
}

/** A string as a value; `indent` is the column of its parent's keys. */
function printString(text: string, indent: number): string {
  const allowed = analyse(text)
  if (text.includes('\n')) return allowed.block ? literal(text, indent + 2) : doubleQuoted(text)
  const ambiguous = isAmbiguous(text)
  return !ambiguous && allowed.plain ? text : quote(text, ambiguous, allowed)
}

function printKey(text: string): string {
  if (lineBreak.test(text)) return doubleQuoted(text)
  const allowed = analyse(text)
  const ambiguous = isAmbiguous(text)
  return !ambiguous && allowed.plain && text !== '' ? text : quote(text, ambiguous, allowed)
}

/** Go's %g with the shortest digits: an exponent below 1e-4 and from 1e21 on. */
function printNumber(value: number): string {
  if (Number.isSafeInteger(value)) return String(value)
  const [digits = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 21) return String(value)
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

type Entries = [string, unknown][]

function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function entriesOf(value: object): Entries {
  return Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => compareKeys(a, b))
}

function printScalar(value: unknown, indent: number): string {
  switch (typeof value) {
    case 'string':
      return printString(value, indent)
    case 'number':
      return printNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    default:
      return 'null'
  }
}

/** A value that stands at column `indent` of a line that was begun already; its further lines are indented by that. */
function printBlock(value: unknown, indent: number): string {
  const pad = ' '.repeat(indent)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    return value
      .map(
        (item: unknown) =>
          `- ${isCollection(item) ? printBlock(item, indent + 2) : printScalar(item, indent)}`
      )
      .join(`\n${pad}`)
  }
  if (!isCollection(value)) return printScalar(value, indent)
  const entries = entriesOf(value)
  if (entries.length === 0) return '{}'
  return entries.map(([key, child]) => printEntry(key, child, indent)).join(`\n${pad}`)
}

function printEntry(key: string, value: unknown, indent: number): string {
  const simple = Buffer.byteLength(key) <= maxSimpleKeyBytes && !lineBreak.test(key)
  const pad = ' '.repeat(indent)
  const empty =
    isCollection(value) && (Array.isArray(value) ? value.length === 0 : entriesOf(value).length === 0)
  if (!simple)
    return `? ${printString(key, indent)}\n${pad}: ${printBlock(value, isCollection(value) ? indent + 2 : indent)}`
  if (!isCollection(value) || empty) return `${printKey(key)}: ${printBlock(value, indent)}`
  // A list stands at the column of its key, a map two further in.
  const column = Array.isArray(value) ? indent : indent + 2
  return `${printKey(key)}:\n${' '.repeat(column)}${printBlock(value, column)}`
}

/** The value as `kubectl -o yaml` prints it: sorted keys, strings quoted where YAML 1.1 would misread them. Ends in a line break. */
export function toYaml(value: unknown): string {
  return `${printBlock(value, 0)}\n`
}
