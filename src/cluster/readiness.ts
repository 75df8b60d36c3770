import { nodes as nodeKind } from '../api/kinds/nodes.js'
import type { Clock } from '../base/clock.js'
import { MkError } from '../base/errors.js'
import type { InformerFactory } from '../client/informer-factory.js'

/** Resolves when all these nodes are Ready; MK_TIMEOUT names those that are not, and why. */
export async function nodesReady(options: {
  informers: InformerFactory
  names: readonly string[]
  timeoutMs: number
  clock: Clock
}): Promise<void> {
  const { informers, names, timeoutMs, clock } = options
  const nodes = informers.of(nodeKind)
  const readiness = (name: string) =>
    nodes.get(name)?.status?.conditions?.find((condition) => condition.type === 'Ready')
  const waiting = () => names.filter((name) => readiness(name)?.status !== 'True')
  await new Promise<void>((resolve, reject) => {
    const finish = (settle: () => void) => {
      cancel()
      unsubscribe()
      settle()
    }
    const cancel = clock.after(timeoutMs, () => {
      const why = waiting().map((name) => `${name} (${readiness(name)?.message ?? 'not registered'})`)
      finish(() => {
        reject(
          new MkError('MK_TIMEOUT', `nodes are not Ready after ${timeoutMs / 1000} s: ${why.join(', ')}`)
        )
      })
    })
    let unsubscribe = () => {}
    const check = () => {
      if (waiting().length === 0) finish(resolve)
    }
    unsubscribe = nodes.onChange(check)
    check()
  })
}
