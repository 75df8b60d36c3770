import { messageOf } from '../../base/errors.js'
import { send } from './exchange.js'
import type { Exchange } from './exchange.js'

/** Something that must be well. Throws or rejects with the reason when it is not. */
export interface HealthCheck {
  readonly name: string
  check(): void | Promise<void>
}

const roots = ['/healthz', '/livez', '/readyz']

/** `/healthz`, `/livez`, `/readyz`, with `?verbose`, `?exclude=name` and `/name`. */
export async function serveHealth(exchange: Exchange, checks: readonly HealthCheck[]): Promise<boolean> {
  const root = roots.find((one) => exchange.path === one || exchange.path.startsWith(`${one}/`))
  if (root === undefined) return false
  const only = exchange.path.slice(root.length + 1)
  const all: HealthCheck[] = [{ name: 'ping', check: () => {} }, ...checks]
  const excluded = exchange.query.getAll('exclude')
  const wanted = all.filter((one) => (only ? one.name === only : !excluded.includes(one.name)))
  if (wanted.length === 0) {
    await send(exchange, 404, '404 page not found\n', 'text/plain; charset=utf-8')
    return true
  }
  const results = await Promise.all(wanted.map(run))
  const failed = results.some((result) => result.problem !== undefined)
  const lines = results.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`
  )
  const what = root.slice(1)
  const verdict = failed ? `${what} check failed` : `${what} check passed`
  const text = failed || exchange.query.has('verbose') ? `${lines.join('\n')}\n${verdict}\n` : 'ok'
  await send(exchange, failed ? 500 : 200, text, 'text/plain; charset=utf-8')
  return true
}

async function run(health: HealthCheck): Promise<{ name: string; problem?: string }> {
  try {
    await health.check()
    return { name: health.name }
  } catch (error) {
    return { name: health.name, problem: messageOf(error) }
  }
}
