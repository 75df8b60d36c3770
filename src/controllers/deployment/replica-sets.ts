import { deployments as deploymentKind } from '../../api/kinds/deployments.js'
import { replicaSets as replicaSetKind } from '../../api/kinds/replica-sets.js'
import type { Deployment, ReplicaSet } from '../../api/types.js'
import type { New } from '../../base/object.js'
import { isReason } from '../../base/status.js'
import type { Client } from '../../client/client.js'
import type { EventRecorder } from '../../client/events.js'
import { controllerOf, controllerReference } from '../support/owners.js'
import { semanticEqual } from '../support/equal.js'
import { fencesOf, replicasOf } from './fences.js'
import { currentSize } from './plan.js'
import type { Resize, Sets } from './plan.js'
import { hashLabel, isSameTemplate, newSetAnnotations, sizeAnnotations, templateHash } from './revisions.js'

/** The name that the hash gives is taken by a set of another template: count it and hash again. */
export class NameCollision extends Error {
  override readonly name = 'NameCollision'
}

/** Sets the sizes; also keeps the annotations about the Deployment's size right. Returns whether anything changed size. */
export async function resize(options: {
  client: Client
  events: EventRecorder
  deployment: Deployment
  resizes: readonly Resize[]
  onWrite: (set: ReplicaSet) => void
}): Promise<boolean> {
  const { client, events, deployment, resizes, onWrite } = options
  let changed = false
  for (const { set, replicas } of resizes) {
    const from = replicasOf(set)
    const size = sizeAnnotations(replicasOf(deployment), fencesOf(deployment).maxSurge)
    const annotations = { ...set.metadata.annotations, ...size }
    const sameSize = from === replicas
    if (sameSize && semanticEqual(annotations, set.metadata.annotations)) continue
    const written = await client.of(replicaSetKind).update({
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, replicas }
    })
    onWrite(written)
    if (sameSize) continue
    changed = true
    const direction = replicas > from ? 'up' : 'down'
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${replicas}`
    events.event(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message })
  }
  return changed
}

/** Brings annotations, revision and minReadySeconds of the current template's set up to date. */
export async function refreshSet(
  client: Client,
  deployment: Deployment,
  set: ReplicaSet,
  revision: number
): Promise<ReplicaSet> {
  const annotations = newSetAnnotations(deployment, set, revision)
  const { minReadySeconds } = deployment.spec
  const sameWait = (set.spec.minReadySeconds ?? 0) === (minReadySeconds ?? 0)
  if (sameWait && semanticEqual(annotations, set.metadata.annotations)) return set
  return client.of(replicaSetKind).update({
    ...set,
    metadata: { ...set.metadata, annotations },
    spec: { ...set.spec, minReadySeconds }
  })
}

/** Creates the set of a new template with as many pods as may be started at once. */
export async function createSet(
  client: Client,
  deployment: Deployment,
  old: readonly ReplicaSet[],
  revision: number
): Promise<ReplicaSet> {
  const set = newSet(deployment, { current: undefined, old }, revision)
  try {
    return await client.of(replicaSetKind).create(set)
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error
    const existing = await client.of(replicaSetKind).get({ ...set.metadata, name: set.metadata.name ?? '' })
    const ours = controllerOf(existing)?.uid === deployment.metadata.uid
    if (ours && isSameTemplate(deployment, existing)) return existing
    throw new NameCollision(`replica set ${existing.metadata.name} is of another template`, { cause: error })
  }
}

function newSet(deployment: Deployment, sets: Sets, revision: number): New<ReplicaSet> {
  const { template, selector, minReadySeconds } = deployment.spec
  const hash = templateHash(template, deployment.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [hashLabel]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: replicaSetKind.kind,
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...newSetAnnotations(deployment, undefined, revision),
        ...sizeAnnotations(replicasOf(deployment), fencesOf(deployment).maxSurge)
      },
      ownerReferences: [controllerReference(deploymentKind, deployment)]
    },
    spec: {
      replicas: currentSize(deployment, sets),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...structuredClone(template), metadata: { ...template.metadata, labels } }
    }
  }
}
