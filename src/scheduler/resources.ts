import type { Container, Pod } from '../api/types.js'
import { quantityToMilli, quantityToNumber } from '../base/quantity.js'

/** Amounts by resource name: cpu in millicores, everything else in whole units. */
export type Amounts = ReadonlyMap<string, number>

export function amountsOf(list: Readonly<Record<string, string>> | undefined): Map<string, number> {
  return new Map(
    Object.entries(list ?? {}).map(([name, quantity]) => [
      name,
      name === 'cpu' ? quantityToMilli(quantity) : quantityToNumber(quantity)
    ])
  )
}

/**
 * What a pod asks for: the sum of its containers and sidecars, or an init container's peak if that is more, and its
 * overhead; the pod's own requests, if given, stand for those of its containers (upstream: resourcehelper.PodRequests).
 */
export function podRequests(pod: Pod): Map<string, number> {
  const total = containersTotal(pod)
  for (const [name, amount] of amountsOf(pod.spec.resources?.requests)) total.set(name, amount)
  add(total, amountsOf(pod.spec.overhead))
  return total
}

const requestsOf = (container: Container): Map<string, number> => amountsOf(container.resources?.requests)

function containersTotal({ spec }: Pod): Map<string, number> {
  const running = new Map<string, number>()
  for (const container of spec.containers) add(running, requestsOf(container))
  const sidecars = new Map<string, number>()
  const peak = new Map<string, number>()
  for (const container of spec.initContainers ?? []) {
    const requests = requestsOf(container)
    if (container.restartPolicy === 'Always') {
      add(running, requests)
      add(sidecars, requests)
      raise(peak, sidecars)
    } else {
      // An init container runs beside the sidecars started before it.
      add(requests, sidecars)
      raise(peak, requests)
    }
  }
  raise(running, peak)
  return running
}

export function add(target: Map<string, number>, amounts: Amounts, sign = 1): void {
  for (const [name, amount] of amounts) target.set(name, (target.get(name) ?? 0) + sign * amount)
}

function raise(target: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) target.set(name, Math.max(target.get(name) ?? 0, amount))
}
