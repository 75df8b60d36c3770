import type { MergeSchema } from '../api/schema/merge-schema.js'
import { statusErrors } from '../base/status.js'
import { isObject } from './json.js'
import { applyJsonPatch } from './patch/json-patch.js'
import { applyMergePatch } from './patch/merge-patch.js'
import { applyStrategicMergePatch } from './patch/strategic-merge.js'

/** Applies a patch that needs no field ownership; the document stays as it is. */
export function patchDocument(
  document: unknown,
  type: 'json' | 'merge' | 'strategic',
  patch: unknown,
  schema?: MergeSchema
): unknown {
  switch (type) {
    case 'json':
      return applyJsonPatch(document, patch)
    case 'merge':
      return applyMergePatch(document, patch)
    case 'strategic':
      if (!isObject(document) || !isObject(patch)) {
        throw statusErrors.badRequest('a strategic merge patch must be a JSON object')
      }
      if (schema) return applyStrategicMergePatch(document, patch, schema)
      throw statusErrors.unsupportedMediaType(['application/json-patch+json', 'application/merge-patch+json'])
  }
}
