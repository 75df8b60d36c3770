import { wellKnown, type Definition, type Property } from '../definition.js'
import type { Message, MessageField } from '../message.js'
import type { FieldFacts, MessageFacts } from './facts.js'
import { splitId } from './names.js'

/** Protobuf tables of all messages with known field numbers. */
export function buildMessages(
  definitions: Readonly<Record<string, Definition>>,
  facts: Map<string, MessageFacts>
): Record<string, Message> {
  const messages: Record<string, Message> = {}
  const build = (message: MessageFacts, properties: Readonly<Record<string, Property>>) => {
    const fields: Message = {}
    for (const field of message.fields) {
      if (field.number === undefined) continue
      const inlined = field.inline === undefined ? undefined : `${splitId(message.id).prefix}.${field.inline}`
      const target = inlined === undefined ? undefined : facts.get(inlined)
      if (inlined !== undefined && target && !messages[inlined])
        build(target, definitions[inlined]?.properties ?? properties)
      fields[field.number] = buildField(field, properties[field.name], inlined)
    }
    messages[message.id] = fields
  }
  for (const message of facts.values()) {
    const properties = definitions[message.id]?.properties
    if (properties) build(message, properties)
  }
  return messages
}

function buildField(
  facts: FieldFacts,
  property: Property | undefined,
  inlined: string | undefined
): MessageField {
  if (inlined !== undefined) return { name: facts.name, type: inlined, inline: true }
  const { label, element } = labelOf(property)
  const keep = facts.pointer || facts.always
  return {
    name: facts.name,
    type: scalarOf(element, facts),
    ...(label ? { label } : {}),
    ...(keep ? { keep } : {})
  }
}

function labelOf(property: Property | undefined): { label?: 'list' | 'map'; element: Property | undefined } {
  if (property?.items) return { label: 'list', element: property.items }
  if (property?.additionalProperties) return { label: 'map', element: property.additionalProperties }
  return { element: property }
}

function scalarOf(property: Property | undefined, facts: FieldFacts): string {
  if (property?.ref !== undefined)
    return property.ref === wellKnown.rawExtension && facts.name === 'fieldsV1'
      ? wellKnown.fieldsV1
      : property.ref
  // Extra values of a user: a message that holds a list.
  if (property?.type === 'array') return 'strings'
  if (property?.format === 'byte' || facts.bytes) return 'bytes'
  switch (property?.type) {
    case 'integer':
      return 'int'
    case 'number':
      return 'double'
    case 'boolean':
      return 'bool'
    default:
      return 'string'
  }
}
