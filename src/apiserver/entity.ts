import type { Kind } from '../api/kind.js'
import { groupVersionOf, parseGroupVersion } from '../api/kind.js'
import type { KubeObject } from '../base/object.js'
import type { Encode, StoreRecord } from '../store/store.js'

/**
 * An object as it is served: its JSON, serialised once and shared by GET, LIST and every watcher, and its parsed form,
 * made when first needed. Neither may be changed.
 */
export class Entity {
  readonly bytes: Buffer
  #object: KubeObject | undefined
  #frames: Map<string, Buffer> | undefined

  constructor(bytes: Buffer, object?: KubeObject) {
    this.bytes = bytes
    this.#object = object
  }

  get object(): KubeObject {
    this.#object ??= JSON.parse(this.bytes.toString('utf8')) as KubeObject
    return this.#object
  }

  /** The watch frame that carries this object, shared by all watchers. */
  frame(type: string): Buffer {
    this.#frames ??= new Map()
    let frame = this.#frames.get(type)
    if (!frame) {
      frame = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), this.bytes, Buffer.from('}\n')])
      this.#frames.set(type, frame)
    }
    return frame
  }
}

interface Identity {
  group: string
  version: string
  kind: string
}

interface Memo {
  stored: Entity
  /** For kinds that share storage: the same object in the other group's form. */
  converted?: Map<string, Entity>
}

// The encoder knows the object that its bytes mean; whoever reads the record then need not parse them.
const written = new WeakMap<Buffer, KubeObject>()

/** The record as an object of `kind`. */
export function entityOf(kind: Kind, record: StoreRecord): Entity {
  const memo = (record.memo ??= { stored: new Entity(record.value, written.get(record.value)) }) as Memo
  if (!kind.convert) return memo.stored
  memo.converted ??= new Map()
  let entity = memo.converted.get(kind.group)
  if (!entity) {
    entity = entityFrom(kind, kind.convert.fromStored(memo.stored.object))
    memo.converted.set(kind.group, entity)
  }
  return entity
}

/** An entity of an object that is not stored (dry run, reviews, converted forms). */
export function entityFrom(kind: Identity, object: KubeObject): Entity {
  const whole = ordered(kind, object, object.metadata.resourceVersion)
  return new Entity(Buffer.from(JSON.stringify(whole)), whole)
}

const marker = '\u0000'
const quotedMarker = JSON.stringify(marker)

/** How a write stores the object, in the form that its storage keeps. */
export function encoderOf(kind: Kind, object: KubeObject): Encode {
  if (!kind.convert) return encodeAs(kind, object)
  const stored = kind.convert.toStored(object)
  return encodeAs({ ...parseGroupVersion(stored.apiVersion ?? ''), kind: stored.kind ?? kind.kind }, stored)
}

/** The same object at another version: what watchers see when it leaves their selection. */
export function atRevision(kind: Kind, object: KubeObject, revision: number): Entity {
  const bytes = encodeAs(kind, object)(revision)
  return new Entity(bytes, written.get(bytes))
}

/**
 * Once the revision is known it is put into the text; nothing is serialised again. The members before the version
 * (kind, name, namespace, uid) hold no NUL, so the first marker is ours.
 */
function encodeAs(identity: Identity, object: KubeObject): Encode {
  const text = JSON.stringify(ordered(identity, object, marker))
  const at = text.indexOf(quotedMarker)
  const before = text.slice(0, at + 1)
  const after = text.slice(at + quotedMarker.length - 1)
  return (revision) => {
    const bytes = Buffer.from(before + String(revision) + after)
    written.set(bytes, ordered(identity, object, String(revision)))
    return bytes
  }
}

/** Kind and apiVersion come first, at a known length: a list leaves them out of its items. */
function ordered(kind: Identity, object: KubeObject, resourceVersion: string | undefined): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object
  const { name, namespace, uid, resourceVersion: _version, ...others } = metadata
  return {
    kind: kind.kind,
    apiVersion: groupVersionOf(kind),
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...others
    } as KubeObject['metadata'],
    ...rest
  }
}
