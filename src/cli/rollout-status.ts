import type { Deployment } from '../api/types.js'

/** How far a rollout is, in kubectl's words (polymorphichelpers/rollout_status.go). */
export interface RolloutState {
  readonly state: 'waiting' | 'done' | 'failed'
  readonly message: string
}

export function deploymentRollout(deployment: Deployment): RolloutState {
  const { name, generation = 0 } = deployment.metadata
  const status = deployment.status ?? {}
  const waiting = (message: string): RolloutState => ({
    state: 'waiting',
    message: `Waiting for deployment "${name}" rollout to finish: ${message}...`
  })
  if (generation > (status.observedGeneration ?? 0)) {
    return { state: 'waiting', message: 'Waiting for deployment spec update to be observed...' }
  }
  const progressing = (status.conditions ?? []).find((c) => c.type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return { state: 'failed', message: `deployment "${name}" exceeded its progress deadline` }
  }
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status
  const wanted = deployment.spec?.replicas ?? 1
  if (updated < wanted) return waiting(`${updated} out of ${wanted} new replicas have been updated`)
  if (replicas > updated) return waiting(`${replicas - updated} old replicas are pending termination`)
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available`)
  return { state: 'done', message: `deployment "${name}" successfully rolled out` }
}
