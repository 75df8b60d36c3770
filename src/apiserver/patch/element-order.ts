import { isRecord, jsonEqual } from './json-value.js'

/**
 * The order of a merged list (strategicpatch: normalizeElementOrder): elements that the patch names stand in the
 * patch's order; those that only the server has keep their place relative to them as far as the server's order tells.
 */
export function arrange(o: {
  merged: readonly unknown[]
  patchOrder: readonly unknown[]
  serverOrder: readonly unknown[]
  mergeKey: string | undefined
}): unknown[] {
  const same = (a: unknown, b: unknown) => jsonEqual(keyOf(a, o.mergeKey), keyOf(b, o.mergeKey))
  const position = (list: readonly unknown[], item: unknown) => list.findIndex((other) => same(item, other))
  const byOrder = (order: readonly unknown[]) => (a: unknown, b: unknown) =>
    position(order, a) - position(order, b)
  const named = o.merged.filter((item) => position(o.patchOrder, item) >= 0).sort(byOrder(o.patchOrder))
  const serverOnly = o.merged.filter((item) => position(o.patchOrder, item) < 0).sort(byOrder(o.serverOrder))
  const result: unknown[] = []
  let next = 0
  for (const item of named) {
    const at = position(o.serverOrder, item)
    while (at >= 0 && next < serverOnly.length) {
      const other = position(o.serverOrder, serverOnly[next])
      if (other < 0 || other > at) break
      result.push(serverOnly[next++])
    }
    result.push(item)
  }
  return [...result, ...serverOnly.slice(next)]
}

function keyOf(item: unknown, mergeKey: string | undefined): unknown {
  return mergeKey !== undefined && isRecord(item) ? item[mergeKey] : item
}
