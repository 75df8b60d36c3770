import { statusErrors } from '../../base/status.js'
import type { ResourceRequest, WriteOptions } from '../../client/transport.js'
import type { Core, Scope } from '../core.js'
import { decodeObject } from '../decode.js'
import { Entity } from '../entity.js'
import { runHooks } from '../kind-hooks.js'
import { reviewOf } from '../reviews/review.js'

/** "Creates" a review: answers it. */
export async function answerReview(
  core: Core,
  scope: Scope,
  { kind }: ResourceRequest,
  body: unknown,
  options: WriteOptions = {}
): Promise<Entity> {
  const review = reviewOf(core.reviews, kind)
  if (!review) throw statusErrors.methodNotAllowed()
  const object = decodeObject(core, scope, kind, body, options.fieldValidation)
  const errors = runHooks(core, kind, () => {
    kind.applyDefaults?.(object)
    return kind.validate?.(object) ?? []
  })
  if (errors.length > 0) throw statusErrors.invalid(kind, '', errors)
  const answer = await review.answer(object, scope.user)
  return new Entity(Buffer.from(JSON.stringify(answer)), answer)
}
