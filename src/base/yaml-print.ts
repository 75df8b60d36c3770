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
const printable = /^[\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/u
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

/** Where a scalar begins: lines longer than 80 columns are folded at a space, and go on at `indent`. Keys never fold. */
interface Place {
  column: number
  indent: number
  fold: boolean
}

const maxColumn = 80

/**
 * Writes character by character, in single-quoted, double-quoted or plain style, breaking the line at the first single
 * space beyond the limit.
 */
function fold(text: string, place: Place, style: 'plain' | 'single' | 'double'): string {
  const chars = [...text]
  let { column } = place
  let out = ''
  let afterSpace = false
  for (const [i, char] of chars.entries()) {
    const nextIsSpace = chars[i + 1] === ' '
    const inner = style === 'plain' || (i > 0 && i < chars.length - 1)
    if (
      char === ' ' &&
      place.fold &&
      !afterSpace &&
      column > maxColumn &&
      inner &&
      (style === 'double' || !nextIsSpace)
    ) {
      const guard = style === 'double' && nextIsSpace ? '\\' : ''
      out += `\n${' '.repeat(place.indent)}${guard}`
      column = place.indent + guard.length
    } else {
      const written = style === 'double' ? escaped(char) : style === 'single' && char === "'" ? "''" : char
      out += written
      column += written.length
    }
    afterSpace = char === ' '
  }
  return out
}

function escaped(char: string): string {
  if (char !== '"' && char !== '\\' && !lineBreak.test(char) && printable.test(char)) return char
  const code = char.codePointAt(0) ?? 0
  const hex = code.toString(16).toUpperCase()
  if (shortEscapes[char] !== undefined) return shortEscapes[char]
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

function literal(text: string, indent: number): string {
  const indentation = /^[ \n]/.test(text) ? '2' : ''
  const chomping = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : ''
  const pad = ' '.repeat(indent)
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  return `|${indentation}${chomping}\n${lines.map((line) => (line === '' ? '' : pad + line)).join('\n')}`
}

function flowScalar(text: string, place: Place): string {
  const allowed = analyse(text)
  const ambiguous = isAmbiguous(text)
  if (!ambiguous && allowed.plain && !(text === '' && !place.fold)) return fold(text, place, 'plain')
  const inner = { ...place, column: place.column + 1 }
  const single = !ambiguous && allowed.single && (place.fold || !lineBreak.test(text))
  return single ? `'${fold(text, inner, 'single')}'` : `"${fold(text, inner, 'double')}"`
}

/** A string as a value that begins at `column`; `indent` is the column of its parent's keys. */
function printString(text: string, column: number, indent: number): string {
  if (text.includes('\n') && analyse(text).block) return literal(text, indent + 2)
  if (text.includes('\n'))
    return `"${fold(text, { column: column + 1, indent: indent + 2, fold: true }, 'double')}"`
  return flowScalar(text, { column, indent: indent + 2, fold: true })
}

const printKey = (text: string): string => flowScalar(text, { column: 0, indent: 0, fold: false })

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

function printScalar(value: unknown, column: number, indent: number): string {
  switch (typeof value) {
    case 'string':
      return printString(value, column, indent)
    case 'number':
      return printNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    default:
      return 'null'
  }
}

const isEmpty = (value: object): boolean => (Array.isArray(value) ? value : entriesOf(value)).length === 0

/** A list or map whose first line begins at column `indent`, as do its further lines. */
function printCollection(value: object, indent: number): string {
  if (isEmpty(value)) return Array.isArray(value) ? '[]' : '{}'
  const lines = Array.isArray(value)
    ? value.map((item: unknown) => `- ${printItem(item, indent)}`)
    : entriesOf(value).map(([key, child]) => printEntry(key, child, indent))
  return lines.join(`\n${' '.repeat(indent)}`)
}

const printItem = (item: unknown, indent: number): string =>
  isCollection(item) ? printCollection(item, indent + 2) : printScalar(item, indent + 2, indent)

function printEntry(key: string, value: unknown, indent: number): string {
  if (Buffer.byteLength(key) > maxSimpleKeyBytes || lineBreak.test(key)) {
    return `? ${printString(key, indent + 2, indent)}\n${' '.repeat(indent)}: ${printItem(value, indent)}`
  }
  const name = printKey(key)
  if (!isCollection(value)) return `${name}: ${printScalar(value, indent + [...name].length + 2, indent)}`
  if (isEmpty(value)) return `${name}: ${printCollection(value, indent)}`
  // A list stands at the column of its key, a map two further in.
  const column = Array.isArray(value) ? indent : indent + 2
  return `${name}:\n${' '.repeat(column)}${printCollection(value, column)}`
}

/**
 * The value as `kubectl -o yaml` prints it: sorted keys, strings quoted where YAML 1.1 would misread them, long lines
 * folded. Ends in a line break.
 */
export function toYaml(value: unknown): string {
  return `${isCollection(value) ? printCollection(value, 0) : printScalar(value, 0, 0)}\n`
}
