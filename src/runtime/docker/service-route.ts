import { messageOf } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import type { Agent } from './agent.js'
import type { Engine } from './engine.js'
import { clustersWithServiceRange } from './pod-network.js'

/**
 * Takes the unreachable route of the Services away, unless another cluster on this engine has the same range: the route
 * is the host's, one for all clusters.
 */
export async function releaseServiceRoute(
  { engine, agent }: { engine: Engine; agent: Agent },
  own: { cluster: string; serviceCidr: string }
): Promise<void> {
  const users = await clustersWithServiceRange(engine, own.serviceCidr)
  if (users.every((user) => user === own.cluster)) await agent.unreachableRoute('remove', own.serviceCidr)
}

/** The same for a cluster that does not run: a daemon that was killed left the route, and no agent to take it away. */
export async function releaseLeftServiceRoute(
  { engine, agent, logger }: { engine: Engine; agent: Agent; logger: Logger },
  own: { cluster: string; serviceCidr: string }
): Promise<void> {
  // Without a network it never ran.
  if (!(await clustersWithServiceRange(engine, own.serviceCidr)).includes(own.cluster)) return
  try {
    await agent.start()
    await releaseServiceRoute({ engine, agent }, own)
  } catch (error) {
    logger.warn('the route of the Services could not be removed', {
      range: own.serviceCidr,
      error: messageOf(error)
    })
  } finally {
    await agent.stop()
  }
}
