import type { ObjectReference } from '../api/types.js'
import type { Clock } from '../base/clock.js'

export interface EventDetails {
  type: 'Normal' | 'Warning'
  /** UpperCamelCase, constant. */
  reason: string
  message: string
  /** Which part of the object: `spec.containers{app}`. */
  fieldPath?: string | undefined
}

/** An event that was written before, so that the next like it only raises its count. */
export interface WrittenEvent {
  namespace: string
  name: string
  count: number
}

export interface Correlated {
  message: string
  /** The written event that this one repeats. */
  previous: WrittenEvent | undefined
  remember(event: WrittenEvent): void
}

interface Group {
  messages: Set<string>
  since: number
}
interface Bucket {
  tokens: number
  at: number
}

// client-go tools/record/events_cache.go
const maxEntries = 4096
const aggregateAfter = 10
const windowMs = 10 * 60_000
const burst = 25
const refillMs = 300_000

/** Decides for each event whether it is new, a repetition, one of many alike, or too much. */
export class EventCorrelator {
  readonly #clock: Clock
  readonly #written = new Map<string, WrittenEvent>()
  readonly #groups = new Map<string, Group>()
  readonly #buckets = new Map<string, Bucket>()
  #lastId = 0n

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What to write; undefined when the object has used up its budget. */
  correlate(regarding: ObjectReference, details: EventDetails): Correlated | undefined {
    const object = [
      regarding.apiVersion,
      regarding.kind,
      regarding.namespace,
      regarding.name,
      regarding.uid,
      regarding.fieldPath
    ].join('\0')
    const group = [object, details.type, details.reason].join('\0')
    const aggregated = this.#aggregate(group, details.message)
    const message = aggregated ? `(combined from similar events): ${details.message}` : details.message
    const key = aggregated ? group : [group, details.message].join('\0')
    if (!this.#spend(object)) return undefined
    return {
      message,
      previous: this.#written.get(key),
      remember: (event) => {
        remember(this.#written, key, event)
      }
    }
  }

  /** `name.hex`, unique and growing with time. */
  nameFor(name: string): string {
    const nanos = BigInt(this.#clock.now().getTime()) * 1_000_000n
    this.#lastId = nanos > this.#lastId ? nanos : this.#lastId + 1n
    return `${name.slice(0, 230)}.${this.#lastId.toString(16)}`
  }

  #aggregate(key: string, message: string): boolean {
    const now = this.#clock.now().getTime()
    const known = this.#groups.get(key)
    const group = known && now - known.since < windowMs ? known : { messages: new Set<string>(), since: now }
    remember(this.#groups, key, group)
    if (group.messages.size >= aggregateAfter && !group.messages.has(message)) return true
    group.messages.add(message)
    return false
  }

  #spend(key: string): boolean {
    const now = this.#clock.now().getTime()
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillMs)
    const allowed = tokens >= 1
    remember(this.#buckets, key, { tokens: allowed ? tokens - 1 : tokens, at: now })
    return allowed
  }
}

/** Sets the newest entry and lets the oldest go. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > maxEntries) {
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  }
}
