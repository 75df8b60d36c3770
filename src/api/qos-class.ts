import { compareQuantities } from '../base/quantity.js'
import { allContainers } from './defaults/pod-spec.js'
import type { PodSpec } from './types.js'

const counted = ['cpu', 'memory'] as const

/** The quality-of-service class of a pod (core/helper/qos ComputePodQOS). */
export function qosClassOf(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let some = false
  let guaranteed = true
  for (const { resources } of allContainers(spec)) {
    for (const name of counted) {
      const request = positive(resources?.requests?.[name])
      const limit = positive(resources?.limits?.[name])
      if (request !== undefined || limit !== undefined) some = true
      if (limit === undefined || (request !== undefined && compareQuantities(request, limit) !== 0))
        guaranteed = false
    }
  }
  if (!some) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

const positive = (quantity: string | undefined): string | undefined =>
  quantity !== undefined && compareQuantities(quantity, 0) > 0 ? quantity : undefined
