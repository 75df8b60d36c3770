import { toTime } from '../../base/clock.js'

export interface Condition {
  type: string
  status: string
  reason?: string | undefined
  message?: string | undefined
  lastTransitionTime?: string | undefined
}

export const conditionOf = <C extends Condition>(
  conditions: readonly C[] | undefined,
  type: string
): C | undefined => conditions?.find((condition) => condition.type === type)

/**
 * The conditions with this one set. With the same status and reason nothing changes; with the same status
 * lastTransitionTime stays.
 */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  next: C,
  now: Date
): readonly C[] {
  const current = conditionOf(conditions, next.type)
  if (current?.status === next.status && current.reason === next.reason) return conditions ?? []
  const kept = current?.status === next.status ? current.lastTransitionTime : undefined
  const set = { ...next, lastTransitionTime: kept ?? toTime(now) }
  return [...withoutCondition(conditions, next.type), set]
}

export const withoutCondition = <C extends Condition>(
  conditions: readonly C[] | undefined,
  type: string
): C[] => (conditions ?? []).filter((condition) => condition.type !== type)
