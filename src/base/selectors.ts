import { statusErrors } from './status.js'

export interface Selector {
  matches(labels: Record<string, string> | undefined): boolean
  /** Selects everything. */
  readonly empty: boolean
  /** The selector in the grammar of `?labelSelector=`, keys sorted. */
  toString(): string
}

/** meta/v1 LabelSelector. */
export interface LabelSelector {
  matchLabels?: Record<string, string> | undefined
  matchExpressions?:
    readonly { key: string; operator: string; values?: readonly string[] | undefined }[] | undefined
}

type Operator = 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | 'gt' | 'lt'
interface Requirement {
  key: string
  operator: Operator
  values: readonly string[]
}

export interface FieldRequirement {
  field: string
  op: '=' | '!='
  value: string
}

const namePattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const prefixPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const keyRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const valueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
  "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

const unparsable = (why: string): Error => statusErrors.badRequest(`unable to parse requirement: ${why}`)

function checkKey(key: string): void {
  const slash = key.indexOf('/')
  const [prefix, name] = slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)]
  const prefixFits = prefix === undefined || (prefix.length <= 253 && prefixPattern.test(prefix))
  if (!prefixFits || name.length > 63 || !namePattern.test(name)) {
    throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${keyRule}`)
  }
}

function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement
  checkKey(key)
  for (const [i, value] of values.entries()) {
    if (value.length > 63 || !/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value)) {
      throw unparsable(`values[${String(i)}][${key}]: Invalid value: ${JSON.stringify(value)}: ${valueRule}`)
    }
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?\d+$/.test(value)) {
      throw unparsable(
        `values[${String(i)}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`
      )
    }
  }
  return requirement
}

function holds({ key, operator, values }: Requirement, labels: Record<string, string>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case 'gt':
    case 'lt': {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false
      const difference = BigInt(value) - BigInt(values[0] ?? '0')
      return operator === 'gt' ? difference > 0n : difference < 0n
    }
  }
}

function print({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`
    case 'gt':
      return `${key}>${values[0] ?? ''}`
    case 'lt':
      return `${key}<${values[0] ?? ''}`
    case '=':
    case '==':
    case '!=':
      return `${key}${operator}${values[0] ?? ''}`
  }
}

function selectorOf(requirements: readonly Requirement[]): Selector {
  const sorted = [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return {
    empty: sorted.length === 0,
    matches: (labels) => sorted.every((requirement) => holds(requirement, labels ?? {})),
    toString: () => sorted.map(print).join(',')
  }
}

const nothing: Selector = { empty: false, matches: () => false, toString: () => '' }

/** Tokens of the label grammar: operators, brackets, commas, and words between them. */
const tokenPattern = /\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)\s*/y

function tokenise(text: string): string[] {
  const tokens: string[] = []
  tokenPattern.lastIndex = 0
  for (let match = tokenPattern.exec(text); match?.[1] !== undefined; match = tokenPattern.exec(text))
    tokens.push(match[1])
  return tokens
}

const isWord = (token: string | undefined): token is string =>
  token !== undefined && !/^(==|!=|[=!<>(),])$/.test(token)

class RequirementParser {
  readonly #tokens: string[]
  #at = 0
  constructor(text: string) {
    this.#tokens = tokenise(text)
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = []
    if (this.#tokens.length === 0) return requirements
    for (;;) {
      requirements.push(checked(this.#requirement()))
      const separator = this.#next()
      if (separator === undefined) return requirements
      if (separator !== ',') throw this.#unexpected(separator, "',' or 'end of string'")
      if (this.#tokens[this.#at] === undefined) throw this.#unexpected(undefined, "identifier after ','")
    }
  }

  #next(): string | undefined {
    return this.#tokens[this.#at++]
  }

  #unexpected(found: string | undefined, expected: string): Error {
    return unparsable(`found '${found ?? ''}', expected: ${expected}`)
  }

  #requirement(): Requirement {
    let key = this.#next()
    const negated = key === '!'
    if (negated) key = this.#next()
    if (!isWord(key))
      throw this.#unexpected(key, negated ? 'identifier' : "!, identifier, or 'end of string'")
    if (negated) return { key, operator: '!', values: [] }
    const operator = this.#tokens[this.#at]
    if (operator === undefined || operator === ',') return { key, operator: 'exists', values: [] }
    this.#at++
    if (operator === 'in' || operator === 'notin') return { key, operator, values: this.#set() }
    if (operator === '=' || operator === '==' || operator === '!=')
      return { key, operator, values: [this.#value()] }
    if (operator === '>') return { key, operator: 'gt', values: [this.#value()] }
    if (operator === '<') return { key, operator: 'lt', values: [this.#value()] }
    throw this.#unexpected(operator, 'in, notin, =, ==, !=, gt, lt')
  }

  /** `a=` selects the empty value. */
  #value(): string {
    const token = this.#tokens[this.#at]
    if (token === undefined || token === ',') return ''
    if (!isWord(token)) throw this.#unexpected(token, 'identifier')
    this.#at++
    return token
  }

  #set(): string[] {
    const open = this.#next()
    if (open !== '(') throw this.#unexpected(open, "'('")
    const values = [this.#value()]
    for (let token = this.#next(); token !== ')'; token = this.#next()) {
      if (token !== ',') throw this.#unexpected(token, "',' or ')'")
      // `in (a,)` names the empty value too.
      values.push(this.#tokens[this.#at] === ')' ? '' : this.#value())
    }
    return values
  }
}

/** Parses `?labelSelector=` (`a=b,c in (d,e),!f,g>1`); throws 400 with upstream's wording. Empty text selects all. */
export function parseLabelSelector(text: string): Selector {
  return selectorOf(new RequirementParser(text).parse())
}

const operatorsOfExpressions: Record<string, Operator> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!'
}

/** A LabelSelector field: undefined selects nothing, an empty one everything (LabelSelectorAsSelector). */
export function selectorFromLabelSelector(selector: LabelSelector | undefined): Selector {
  if (!selector) return nothing
  const fromLabels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    checked({ key, operator: '=', values: [value] })
  )
  const fromExpressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const known = operatorsOfExpressions[operator]
    if (!known)
      throw statusErrors.badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`)
    return checked({ key, operator: known, values })
  })
  return selectorOf([...fromLabels, ...fromExpressions])
}

/** A plain map of labels, as in a Service's spec.selector. An empty or missing map selects everything. */
export function selectorFromMap(map: Record<string, string> | undefined): Selector {
  return selectorOf(
    Object.entries(map ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] }))
  )
}

/** Splits at commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  return (text.match(/(?:\\.|[^,\\])+/g) ?? []).filter((term) => term !== '')
}

function unescapeValue(term: string, value: string): string {
  if (!/^(?:\\[\\,=]|[^\\,=])*$/.test(value)) {
    throw statusErrors.badRequest(
      `invalid field selector: invalid escape sequence or unescaped character in ${JSON.stringify(term)}`
    )
  }
  return value.replace(/\\([\\,=])/g, '$1')
}

/** Parses `?fieldSelector=` (`metadata.name=x,status.phase!=Running`); throws 400 if a term can't be understood. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text).map((term) => {
    const match = /^([^=!\\]*?)(!=|==|=)(.*)$/s.exec(term)
    if (!match) throw statusErrors.badRequest(`invalid selector: '${text}'; can't understand '${term}'`)
    const [, field = '', operator, value = ''] = match
    return { field, op: operator === '!=' ? '!=' : '=', value: unescapeValue(term, value) }
  })
}
