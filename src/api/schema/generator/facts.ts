import { readdirSync, readFileSync } from 'node:fs'

/** What the models do not say about one field. */
export interface FieldFacts {
  name: string
  /** Protobuf field number. */
  number?: number
  /** Go writes the field even when it is zero: no omitempty. */
  always: boolean
  /** A Go pointer: unset and zero are different. */
  pointer: boolean
  quantity: boolean
  bytes: boolean
  /** Name of the message whose fields are written among ours in JSON. */
  inline?: string
  listType?: string
  listMapKeys?: string[]
  patchStrategy?: string
  patchMergeKey?: string
  mapType?: string
  enum?: string[]
  default?: unknown
}

export interface MessageFacts {
  /** Name of the definition: `io.k8s.api.core.v1.Pod`. */
  id: string
  mapType?: string
  fields: FieldFacts[]
}

const prefixes: Record<string, string> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions'
}

/** Reads facts/<group>.<version>.txt; the format is explained at the head of each file. */
export function readFacts(folder: URL): Map<string, MessageFacts> {
  const all = new Map<string, MessageFacts>()
  for (const file of readdirSync(folder)) {
    const [group = '', version = ''] = file.split('.')
    const prefix = `${prefixes[group] ?? `io.k8s.api.${group}`}.${version}`
    for (const line of readFileSync(new URL(file, folder), 'utf8').split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      const message = parseMessage(prefix, line)
      all.set(message.id, message)
    }
  }
  return all
}

function parseMessage(prefix: string, line: string): MessageFacts {
  const colon = line.indexOf(':')
  const [name = '', ...flags] = line.slice(0, colon).split(' ')
  const mapType = flags.find((flag) => flag.startsWith('map='))?.slice('map='.length)
  const fields = line
    .slice(colon + 1)
    .split(';')
    .map((text) => text.trim())
    .filter((text) => text !== '')
  return { id: `${prefix}.${name}`, ...(mapType ? { mapType } : {}), fields: fields.map(parseField) }
}

/** `ports 6 list=map(containerPort,protocol) patch=merge(containerPort)`, `name 1!`, `livenessProbe 10*` */
function parseField(text: string): FieldFacts {
  const [first = '', ...rest] = text.split(' ')
  const flagged = first.endsWith('*') ? first.slice(0, -1) : first
  const field: FieldFacts = {
    name: flagged,
    always: false,
    pointer: first.endsWith('*'),
    quantity: rest.includes('quantity'),
    bytes: rest.includes('bytes')
  }
  const number = /^(\d+)([!*]?)$/.exec(rest[0] ?? '')
  if (number) {
    field.number = Number(number[1])
    field.always = number[2] === '!'
    field.pointer = number[2] === '*'
  }
  for (const [, key, value = '', argument] of text.matchAll(/ (\w+)=([^ (]+)(?:\(([^)]*)\))?/g)) {
    if (key === 'inline') field.inline = value
    if (key === 'map') field.mapType = value
    if (key === 'enum') field.enum = value.split('|')
    if (key === 'default') field.default = JSON.parse(value)
    if (key === 'list') {
      field.listType = value
      if (argument) field.listMapKeys = argument.split(',')
    }
    if (key === 'patch') {
      field.patchStrategy = value
      if (argument) field.patchMergeKey = argument
    }
  }
  return field
}
