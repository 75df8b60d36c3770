import { once } from 'node:events'
import { groupVersionOf } from '../../api/kind.js'
import type { Kind } from '../../api/kind.js'
import type { Entity } from '../entity.js'
import { listMetaOf } from '../resources.js'
import type { EntityList } from '../verbs/list.js'
import { acceptsGzip, begin, send } from './exchange.js'
import type { Exchange } from './exchange.js'

const pieceBytes = 1024 * 1024
const comma = Buffer.from(',')
const brace = Buffer.from('{')
const end = Buffer.from(']}')

/**
 * Sends a list made of the objects' own bytes. A large one goes out in pieces, so that the loop is never held up and
 * no second copy of it all is made.
 */
export async function sendList(exchange: Exchange, kind: Kind, list: EntityList): Promise<void> {
  const head = JSON.stringify({
    kind: `${kind.kind}List`,
    apiVersion: groupVersionOf(kind),
    metadata: listMetaOf(list)
  })
  const opening = Buffer.from(`${head.slice(0, -1)},"items":[`)
  const buffers = [opening, ...itemBuffers(kind, list.entities), end]
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
  if (length <= pieceBytes || acceptsGzip(exchange) || exchange.method === 'HEAD') {
    await send(exchange, 200, Buffer.concat(buffers, length))
    return
  }
  begin(exchange, 200, 'application/json')
  exchange.response.setHeader('content-length', length)
  await writePieces(exchange, buffers)
}

/** Typed lists leave kind and apiVersion out of their items. */
function itemBuffers(kind: Kind, entities: readonly Entity[]): Buffer[] {
  const prefix = Buffer.from(`{"kind":"${kind.kind}","apiVersion":"${groupVersionOf(kind)}",`)
  const buffers: Buffer[] = []
  for (const { bytes } of entities) {
    if (buffers.length > 0) buffers.push(comma)
    if (bytes.subarray(0, prefix.length).equals(prefix)) buffers.push(brace, bytes.subarray(prefix.length))
    else buffers.push(bytes)
  }
  return buffers
}

async function writePieces({ response }: Exchange, buffers: readonly Buffer[]): Promise<void> {
  let piece: Buffer[] = []
  let size = 0
  const write = async () => {
    const room = (response as { write: (chunk: Buffer) => boolean }).write(Buffer.concat(piece, size))
    piece = []
    size = 0
    if (!room && !response.destroyed) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  for (const buffer of buffers) {
    piece.push(buffer)
    size += buffer.length
    if (size >= pieceBytes) await write()
    if (response.destroyed) return
  }
  if (size > 0) await write()
  response.end()
}
