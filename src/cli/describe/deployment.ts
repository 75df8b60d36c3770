import type { Deployment, ReplicaSet } from '../../api/types.js'
import type { ObjectList } from '../../base/object.js'
import { podSelectorOf } from '../pods.js'
import type { Describer } from './describer.js'
import { writeTemplate } from './pod.js'

export const describeDeployment: Describer<Deployment> = async (deployment, writer, { session }) => {
  const { spec, status } = deployment
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status ?? {}
  writer
    .field('Selector', podSelectorOf(deployment))
    .field(
      'Replicas',
      `${spec?.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ` +
        `${availableReplicas} available | ${unavailableReplicas} unavailable`
    )
    .field('StrategyType', spec?.strategy?.type)
    .field('MinReadySeconds', spec?.minReadySeconds ?? 0)
  const rolling = spec?.strategy?.rollingUpdate
  if (rolling) {
    const { maxUnavailable, maxSurge } = rolling
    writer.field(
      'RollingUpdateStrategy',
      `${String(maxUnavailable)} max unavailable, ${String(maxSurge)} max surge`
    )
  }
  if (spec?.paused) writer.field('Paused', true)
  writeTemplate(spec?.template, writer)
  if (status?.conditions?.length) {
    writer.heading('Conditions')
    for (const { type, status: is, reason, message } of status.conditions) {
      writer.field(type, `${is}  ${reason ?? ''}${is === 'True' || !message ? '' : `: ${message}`}`, 1)
    }
  }
  const { namespace = 'default', uid } = deployment.metadata
  const { body } = await session.client.json<ObjectList<ReplicaSet>>({
    path: `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/replicasets`,
    query: { labelSelector: podSelectorOf(deployment) }
  })
  const owned = body.items.filter((set) => set.metadata.ownerReferences?.some((owner) => owner.uid === uid))
  const text = (set: ReplicaSet) =>
    `${set.metadata.name} (${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 1} replicas created)`
  const isOld = (set: ReplicaSet) => (set.spec?.replicas ?? 1) === 0
  writer.field('ReplicaSets', owned.filter((set) => !isOld(set)).map(text))
  writer.field('Old ReplicaSets', owned.filter(isOld).map(text))
}
