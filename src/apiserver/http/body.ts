import { statusErrors } from '../../base/status.js'
import { parseStrictJson } from '../../base/strict-json.js'
import { parseYamlDocuments } from '../../base/yaml.js'
import type { PatchType } from '../../client/transport.js'
import { messageOf } from '../../base/errors.js'
import type { Schemas } from '../schemas.js'
import { parseMediaType } from './negotiation.js'

const accepted = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply'
}

export interface DecodedBody {
  value: unknown
  /** Members that came twice, as paths. */
  duplicates: string[]
}

/** Reads a request body by its Content-Type. Throws 400 for malformed ones, 415 for types that are not known. */
export function decodeBody(schemas: Schemas, body: Buffer, contentType: string | undefined): DecodedBody {
  switch (parseMediaType(contentType ?? 'application/json').type) {
    case '':
    case 'application/json':
      return parseStrictJson(body)
    case 'application/yaml':
    case 'text/yaml':
    case 'application/x-yaml':
      return decodeYaml(body)
    case 'application/vnd.kubernetes.protobuf':
      return { value: schemas.decodeProtobuf(body), duplicates: [] }
    default:
      throw statusErrors.unsupportedMediaType(accepted)
  }
}

/** The type of a patch and its document. */
export function decodePatch(
  body: Buffer,
  contentType: string | undefined
): DecodedBody & { type: PatchType } {
  const media = parseMediaType(contentType ?? '').type
  const type = Object.hasOwn(patchTypes, media) ? patchTypes[media] : undefined
  if (!type) throw statusErrors.unsupportedMediaType(Object.keys(patchTypes))
  return { type, ...(type === 'apply' ? decodeYaml(body) : parseStrictJson(body)) }
}

/** JSON is YAML, and is read as JSON: it tells duplicates from each other. */
function decodeYaml(body: Buffer): DecodedBody {
  const text = body.toString('utf8')
  if (/^\s*\{/.test(text)) {
    try {
      return parseStrictJson(body)
    } catch {
      // A flow mapping in YAML begins like this, too.
    }
  }
  try {
    const [first] = parseYamlDocuments(text, { file: 'request body' })
    return { value: first?.value, duplicates: [] }
  } catch (error) {
    throw statusErrors.badRequest(`error converting YAML to JSON: ${messageOf(error)}`)
  }
}
