import { statusErrors } from './status.js'

/**
 * resource.Quantity: a decimal number with a suffix, in the three notations of apimachinery (`1500m`, `1536Mi`, `12e6`).
 * All arithmetic is exact, in whole nano-units; finer input is rounded away from zero, as upstream does.
 */
type Format = 'decimal' | 'exponent' | 'binary'
interface Parsed {
  nanos: bigint
  format: Format
}

const pattern = /^([+-]?)(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,4}|)$/
const malformed =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const decimalSuffixes: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18
}
const suffixOfExponent = new Map(
  Object.entries(decimalSuffixes).map(([suffix, exponent]) => [exponent, suffix])
)
const nano = 1_000_000_000n
const largest = (2n ** 63n - 1n) * nano

const absolute = (n: bigint): bigint => (n < 0n ? -n : n)

/** Integer division that rounds away from zero. */
function divideUp(n: bigint, by: bigint): bigint {
  const quotient = n / by
  if (n % by === 0n) return quotient
  return n < 0n ? quotient - 1n : quotient + 1n
}

function tryParse(quantity: string | number): Parsed | undefined {
  const match = pattern.exec(String(quantity))
  if (!match) return undefined
  const [, sign = '', digits = '', suffix = ''] = match
  const [whole = '', fraction = ''] = digits.split('.')
  const mantissa = BigInt(whole + fraction || '0') * (sign === '-' ? -1n : 1n)
  const shift = 10n ** BigInt(fraction.length)
  const cap = (nanos: bigint): bigint =>
    absolute(nanos) <= largest ? nanos : nanos < 0n ? -largest : largest
  if (suffix.endsWith('i')) {
    const scale = 1024n ** BigInt(binarySuffixes.indexOf(suffix))
    return { nanos: cap(divideUp(mantissa * scale * nano, shift)), format: 'binary' }
  }
  const isExponent = /^[eE]./.test(suffix)
  const power = (isExponent ? Number(suffix.slice(1)) : (decimalSuffixes[suffix] ?? 0)) + 9
  const nanos =
    power >= 0
      ? divideUp(mantissa * 10n ** BigInt(power), shift)
      : divideUp(mantissa, shift * 10n ** BigInt(-power))
  return { nanos: cap(nanos), format: isExponent ? 'exponent' : 'decimal' }
}

function parse(quantity: string | number): Parsed {
  const parsed = tryParse(quantity)
  if (!parsed) throw statusErrors.badRequest(malformed)
  return parsed
}

function printBinary(nanos: bigint): string {
  let mantissa = divideUp(nanos, nano)
  let power = 0
  while (power < 6 && mantissa !== 0n && mantissa % 1024n === 0n) {
    mantissa /= 1024n
    power++
  }
  return `${String(mantissa)}${binarySuffixes[power] ?? ''}`
}

function print({ nanos, format }: Parsed): string {
  if (nanos === 0n) return '0'
  // Upstream prints binary values below 1024 in decimal notation.
  if (format === 'binary' && absolute(nanos) >= 1024n * nano) return printBinary(nanos)
  let mantissa = nanos
  let exponent = -9
  while (exponent < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n
    exponent += 3
  }
  const suffix =
    format === 'exponent' && exponent !== 0 ? `e${String(exponent)}` : (suffixOfExponent.get(exponent) ?? '')
  return `${String(mantissa)}${suffix}`
}

/** Can the text be parsed as a quantity? */
export const isQuantity = (text: string): boolean => tryParse(text) !== undefined

/** The one way in which the API server writes a quantity (`1000m` is `1`). Throws 400 with upstream's text if malformed. */
export const canonicalQuantity = (quantity: string | number): string => print(parse(quantity))

/** In base units (bytes, cores), rounded up: Quantity.Value. */
export const quantityToNumber = (quantity: string | number): number =>
  Number(divideUp(parse(quantity).nanos, nano))

/** In thousandths of the base unit (millicores), rounded up: Quantity.MilliValue. */
export const quantityToMilli = (quantity: string | number): number =>
  Number(divideUp(parse(quantity).nanos, 1_000_000n))

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = parse(a).nanos - parse(b).nanos
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The sum, printed in the notation of `a` (of `b` if `a` is zero). */
export function addQuantities(a: string | number, b: string | number): string {
  const [left, right] = [parse(a), parse(b)]
  return print({ nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format })
}
