import { EVENT_ID, SCALAR_STYLE, YAMLException, getScalarValue, parseEvents, type Event } from 'js-yaml'
import { MkError, messageOf } from './errors.js'
import { StatusError } from './status.js'
import { readJsonValue } from './strict-json.js'
import { resolvePlain } from './yaml-scalars.js'

export { toYaml } from './yaml-print.js'

export interface YamlDocument {
  value: unknown
  /** The line of the file on which the document's content begins, from 1. */
  line: number
}

type ScalarEvent = Extract<Event, { type: typeof EVENT_ID.SCALAR }>
type Tagged = Pick<ScalarEvent, 'tagStart' | 'tagEnd'>

const hint = 'check indentation (spaces only), quotes and brackets near this place'
/** Aliases may multiply a small file into a huge one ("billion laughs"). */
const maxNodes = 1_000_000

/** Positions in the text as people count: line and column from 1. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, Math.max(offset, 0))
  const lastBreak = before.lastIndexOf('\n')
  return { line: before.split('\n').length, column: before.length - lastBreak }
}

function inputError(file: string, text: string, offset: number, what: string, advice = hint): MkError {
  const { line, column } = placeOf(text, offset)
  return new MkError('MK_INPUT', `${file}:${String(line)}:${String(column)}: ${what}`, { hint: advice })
}

/** Builds values from the parser's events, with the meaning that kubectl's YAML library gives them. */
class Composer {
  readonly #text: string
  readonly #file: string
  readonly #events: readonly Event[]
  readonly #anchors = new Map<string, { value: unknown; nodes: number }>()
  #at = 0
  #nodes = 0

  constructor(options: { text: string; file: string; events: readonly Event[] }) {
    this.#text = options.text
    this.#file = options.file
    this.#events = options.events
  }

  documents(): YamlDocument[] {
    const documents: YamlDocument[] = []
    while (this.#at < this.#events.length) {
      this.#at++ // the document event
      this.#anchors.clear()
      this.#nodes = 0
      let document: YamlDocument | undefined
      while (this.#events[this.#at]?.type !== EVENT_ID.POP) {
        const line = placeOf(this.#text, this.#offset()).line
        document = { value: this.#node(), line }
      }
      this.#at++
      if (document && document.value !== null) documents.push(document)
    }
    return documents
  }

  /** Where the current node is in the text. */
  #offset(): number {
    const event = this.#events[this.#at]
    if (event === undefined) return this.#text.length
    if ('start' in event) return event.start
    if ('valueStart' in event) return event.valueStart
    return 'anchorStart' in event ? event.anchorStart : 0
  }

  #fail(offset: number, what: string, advice?: string): never {
    throw inputError(this.#file, this.#text, offset, what, advice)
  }

  #count(nodes: number, offset: number): void {
    this.#nodes += nodes
    if (this.#nodes > maxNodes)
      this.#fail(offset, 'document contains excessive aliasing', 'write the repeated parts out')
  }

  #node(): unknown {
    const event = this.#events[this.#at]
    const offset = this.#offset()
    this.#at++
    this.#count(1, offset)
    const before = this.#nodes
    switch (event?.type) {
      case EVENT_ID.SCALAR:
        return this.#anchored(event, this.#scalar(event), before)
      case EVENT_ID.SEQUENCE:
        return this.#anchored(event, this.#sequence(), before)
      case EVENT_ID.MAPPING:
        return this.#anchored(event, this.#mapping(), before)
      case EVENT_ID.ALIAS:
        return this.#alias(this.#text.slice(event.anchorStart, event.anchorEnd), offset)
      default:
        return this.#fail(offset, 'unexpected end of the document')
    }
  }

  #anchored(event: { anchorStart: number; anchorEnd: number }, value: unknown, nodesBefore: number): unknown {
    if (event.anchorStart >= 0) {
      const name = this.#text.slice(event.anchorStart, event.anchorEnd)
      this.#anchors.set(name, { value, nodes: this.#nodes - nodesBefore })
    }
    return value
  }

  #alias(name: string, offset: number): unknown {
    const anchor = this.#anchors.get(name)
    if (!anchor)
      this.#fail(offset, `unknown anchor '${name}' referenced`, 'define the anchor (&name) before its alias')
    this.#count(anchor.nodes, offset)
    return structuredClone(anchor.value)
  }

  #tagOf(event: Tagged): string {
    if (event.tagStart < 0) return ''
    return this.#text.slice(event.tagStart, event.tagEnd).replace(/^!<tag:yaml\.org,2002:(.*)>$/, '!!$1')
  }

  #scalar(event: ScalarEvent): unknown {
    const text = getScalarValue(this.#text, event)
    const tag = this.#tagOf(event)
    const value = this.#tagged(tag, text, event)
    if (typeof value === 'number' && !Number.isFinite(value)) {
      this.#fail(
        event.valueStart,
        `json: unsupported value: ${text}`,
        'write a finite number or quote the text'
      )
    }
    return value
  }

  #tagged(tag: string, text: string, event: ScalarEvent): unknown {
    const resolved = resolvePlain(text)
    switch (tag) {
      case '':
        return event.style === SCALAR_STYLE.PLAIN ? resolved : text
      case '!!binary':
        return Buffer.from(text, 'base64').toString('utf8')
      case '!!null':
        if (resolved === null) return null
        break
      case '!!bool':
        if (typeof resolved === 'boolean') return resolved
        break
      case '!!int':
        if (Number.isInteger(resolved)) return resolved
        break
      case '!!float':
        if (typeof resolved === 'number') return resolved
        break
      default:
        return text
    }
    return this.#fail(event.valueStart, `cannot decode \`${text}\` as a ${tag}`)
  }

  #sequence(): unknown[] {
    const items: unknown[] = []
    while (this.#events[this.#at]?.type !== EVENT_ID.POP) items.push(this.#node())
    this.#at++
    return items
  }

  #mapping(): Record<string, unknown> {
    const own = new Map<string, unknown>()
    const merged: unknown[] = []
    while (this.#events[this.#at]?.type !== EVENT_ID.POP) {
      const offset = this.#offset()
      if (this.#isMergeKey()) {
        this.#at++
        merged.push(...this.#mergeSources())
        continue
      }
      const key = this.#key(offset)
      if (own.has(key)) {
        const { line } = placeOf(this.#text, offset)
        this.#fail(
          offset,
          `line ${String(line)}: key ${JSON.stringify(key)} already set in map`,
          'remove one of the two'
        )
      }
      own.set(key, this.#node())
    }
    this.#at++
    // The mapping's own keys win over merged ones, and an earlier merge source over a later one.
    const sources = merged.reverse().flatMap((source) => Object.entries(source as Record<string, unknown>))
    return Object.fromEntries([...new Map([...sources, ...own])])
  }

  #isMergeKey(): boolean {
    const event = this.#events[this.#at]
    if (event?.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.PLAIN) return false
    const tag = this.#tagOf(event)
    return getScalarValue(this.#text, event) === '<<' && (tag === '' || tag === '!' || tag === '!!merge')
  }

  #mergeSources(): unknown[] {
    const offset = this.#offset()
    const value = this.#node()
    const sources: unknown[] = Array.isArray(value) ? value : [value]
    if (sources.some((source) => typeof source !== 'object' || source === null || Array.isArray(source))) {
      this.#fail(offset, 'map merge requires map or sequence of maps as the value')
    }
    return sources
  }

  /** Keys that YAML reads as numbers or booleans become the JSON text of those, as in `{1: x}` and `{yes: x}`. */
  #key(offset: number): string {
    const key = this.#node()
    if (typeof key === 'string') return key
    if (typeof key === 'number' || typeof key === 'boolean') return String(key)
    return this.#fail(
      offset,
      'a map key must be a scalar',
      'quote the key, or put a space after the colon of the entry before'
    )
  }
}

/** A stream of JSON values, as kubectl accepts it; undefined if the text is not JSON (it may be flow-style YAML). */
function parseJsonStream(text: string, file: string): YamlDocument[] | undefined {
  const documents: YamlDocument[] = []
  let at = /^[\s\uFEFF]*/.exec(text)?.[0].length ?? 0
  if (text[at] !== '{' && text[at] !== '[') return undefined
  while (at < text.length) {
    try {
      const { value, duplicates, end } = readJsonValue(text, at)
      if (duplicates[0] !== undefined)
        throw inputError(file, text, at, `duplicate field "${duplicates[0]}"`, 'remove one of the two')
      documents.push({ value, line: placeOf(text, at).line })
      at = end
    } catch (error) {
      if (error instanceof StatusError) return undefined
      throw error
    }
  }
  return documents
}

/**
 * All documents of a manifest, YAML or JSON, as kubectl reads them: YAML 1.1 booleans and octal numbers, dates and
 * `1:30` as strings, merge keys, string keys. Empty documents are left out. `file` names the source in errors
 * (`deploy.yaml:3:5: …`); malformed input and keys set twice throw MK_INPUT.
 */
export function parseYamlDocuments(text: string, options: { file: string }): YamlDocument[] {
  const { file } = options
  const json = parseJsonStream(text, file)
  if (json) return json
  let events: Event[]
  try {
    events = parseEvents(text, { filename: file })
  } catch (error) {
    if (!(error instanceof YAMLException))
      throw new MkError('MK_INPUT', `${file}: ${messageOf(error)}`, { hint, cause: error })
    throw inputError(file, text, error.mark?.position ?? 0, error.reason)
  }
  return new Composer({ text, file, events }).documents()
}
