/**
 * How go-yaml v2, and so kubectl, understands a plain scalar: YAML 1.1 booleans, C-like integers (leading zero is
 * octal), floats, null. Timestamps and base-60 numbers stay strings.
 */
const words = new Map<string, unknown>()
for (const text of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
  words.set(text, true)
for (const text of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])
  words.set(text, false)
for (const text of ['', '~', 'null', 'Null', 'NULL']) words.set(text, null)
for (const text of ['.nan', '.NaN', '.NAN']) words.set(text, NaN)
for (const text of ['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF']) words.set(text, Infinity)
for (const text of ['-.inf', '-.Inf', '-.INF']) words.set(text, -Infinity)

const floatPattern = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/
const integerPatterns: readonly (readonly [base: number, pattern: RegExp])[] = [
  [16, /^([-+]?)0[xX]([\da-fA-F]+)$/],
  [2, /^([-+]?)0[bB]([01]+)$/],
  [8, /^([-+]?)0[oO]?([0-7]+)$/],
  [10, /^([-+]?)(0|[1-9]\d*)$/]
]
const timestampPattern =
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?$/

function integerOf(text: string): number | undefined {
  for (const [base, pattern] of integerPatterns) {
    const match = pattern.exec(text)
    if (!match) continue
    const size = parseInt(match[2] ?? '', base)
    return match[1] === '-' && size !== 0 ? -size : size
  }
  return undefined
}

/** The value of an unquoted scalar. */
export function resolvePlain(text: string): unknown {
  if (words.has(text)) return words.get(text)
  if (!/^[-+.\d]/.test(text) || timestampPattern.test(text)) return text
  // Underscores separate digits, but not in numbers that begin with the point.
  const digits = text.startsWith('.') ? text : text.replaceAll('_', '')
  return integerOf(digits) ?? (floatPattern.test(digits) ? Number(digits) : text)
}

const base60Pattern = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/

/** Would the text be read back as something else than this string when written without quotes? */
export function isAmbiguous(text: string): boolean {
  return typeof resolvePlain(text) !== 'string' || timestampPattern.test(text) || base60Pattern.test(text)
}
