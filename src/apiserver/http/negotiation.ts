import { statusErrors } from '../../base/status.js'

/** One acceptable media type with its parameters, both in lower case. */
export interface MediaRange {
  type: string
  parameters: ReadonlyMap<string, string>
}

/** The header's media types, best first; those of equal quality in the client's order. */
export function parseAccept(header: string | undefined): MediaRange[] {
  if (!header?.trim()) return [{ type: '*/*', parameters: new Map() }]
  return header
    .split(',')
    .map(parseMediaType)
    .map((range) => ({ range, quality: Number(range.parameters.get('q') ?? '1') }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ range }) => range)
}

export function parseMediaType(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';')
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const at = part.indexOf('=')
    if (at > 0) parameters.set(part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim())
  }
  return { type: type.trim().toLowerCase(), parameters }
}

const isJson = ({ type }: MediaRange): boolean =>
  type === 'application/json' || type === 'application/*' || type === '*/*'

/** What the client wants objects turned into. */
export interface Representation {
  as: 'object' | 'table' | 'partial'
  /** Version of meta.k8s.io that tables and partial objects are of. */
  version: 'v1' | 'v1beta1'
}

const accepted = ['application/json']
const plain: Representation = { as: 'object', version: 'v1' }

/** Chooses among JSON forms; throws 406 if nothing that the client accepts can be made. */
export function negotiate(header: string | undefined, options: { tables: boolean }): Representation {
  for (const range of parseAccept(header)) {
    if (!isJson(range)) continue
    const as = range.parameters.get('as')
    if (as === undefined) return plain
    const version = range.parameters.get('v') ?? 'v1'
    if (range.parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue
    if (as === 'Table' && options.tables) return { as: 'table', version }
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
      return { as: 'partial', version }
  }
  throw statusErrors.notAcceptable(accepted)
}

/** For answers that have one form only. */
export const acceptsJson = (header: string | undefined): boolean => parseAccept(header).some(isJson)
