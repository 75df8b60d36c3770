import type { Pod } from '../../api/types.js'
import type { AdmissionRequest } from './admission.js'

/** The pod that a request creates, if it does. */
export function createdPod({ operation, kind, subresource, object }: AdmissionRequest): Pod | undefined {
  const isPod = kind.group === '' && kind.kind === 'Pod'
  return isPod && operation === 'CREATE' && subresource === undefined
    ? (object as Pod | undefined)
    : undefined
}
