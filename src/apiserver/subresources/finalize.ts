import { decodeObject } from '../decode.js'
import { cloneJson } from '../json.js'
import { modify } from '../verbs/modify.js'
import type { SubresourceHandler } from '../core.js'

/** `namespaces/finalize`: the only way to change `spec.finalizers`. */
export const finalize: SubresourceHandler = {
  update: (core, scope, target, body, options) => {
    const object = decodeObject(core, scope, target.kind, body, options.fieldValidation)
    return modify(core, scope, target, { ...options, part: 'finalize' }, () => cloneJson(object))
  }
}
