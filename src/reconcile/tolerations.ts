import type { Taint, Toleration } from '../api/types.js'

/** Does the toleration cover the taint (core/v1 ToleratesTaint)? */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { effect, key, operator = 'Equal', value = '' } = toleration
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (!key && operator !== 'Exists') return false
  return operator === 'Exists' || value === (taint.value ?? '')
}

/** The first taint of these effects that nothing tolerates. */
export const untolerated = (
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[]
): Taint | undefined =>
  taints?.find(
    (taint) =>
      effects.includes(taint.effect) && !tolerations?.some((toleration) => tolerates(toleration, taint))
  )
