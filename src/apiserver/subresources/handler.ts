import type { PatchOptions, PatchType, ResourceRequest, WriteOptions } from '../../client/transport.js'
import type { Core, Scope } from '../core.js'
import type { Entity } from '../entity.js'

/** Serves one subresource that is not a part of its object's own body (status is, and needs no handler). */
export interface SubresourceHandler {
  get?(core: Core, target: ResourceRequest): Entity
  create?(
    core: Core,
    scope: Scope,
    target: ResourceRequest,
    body: unknown,
    options: WriteOptions
  ): Promise<Entity>
  update?(
    core: Core,
    scope: Scope,
    target: ResourceRequest,
    body: unknown,
    options: WriteOptions
  ): Promise<Entity>
  patch?(
    core: Core,
    scope: Scope,
    target: ResourceRequest,
    patch: { type: PatchType; body: unknown },
    options: PatchOptions
  ): Promise<Entity>
}

/** By name: `scale`, `binding`, `token`, `finalize`. */
export type SubresourceHandlers = ReadonlyMap<string, SubresourceHandler>
