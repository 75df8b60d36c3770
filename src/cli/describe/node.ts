import type { Node, Pod } from '../../api/types.js'
import type { ObjectList } from '../../base/object.js'
import { formatColumns } from '../table.js'
import { ageOf } from '../duration.js'
import type { Describer } from './describer.js'

export const describeNode: Describer<Node> = async (node, writer, { session, now }) => {
  const { spec, status } = node
  writer
    .field(
      'Taints',
      (spec?.taints ?? []).map((t) => `${t.key}${t.value ? `=${t.value}` : ''}:${t.effect}`)
    )
    .field('Unschedulable', spec?.unschedulable ?? false)
    .field(
      'Addresses',
      (status?.addresses ?? []).map((address) => `${address.type} ${address.address}`)
    )
  writer.heading('Conditions')
  for (const { type, status: is, reason, message } of status?.conditions ?? []) {
    writer.field(type, `${is}  ${reason ?? ''}: ${message ?? ''}`, 1)
  }
  writer.heading('Capacity and what pods may use of it')
  for (const [resource, amount] of Object.entries(status?.capacity ?? {})) {
    writer.field(resource, `${String(amount)}, ${String(status?.allocatable?.[resource] ?? amount)}`, 1)
  }
  const info = status?.nodeInfo
  if (info) {
    writer
      .field('Kubelet', info.kubeletVersion)
      .field('Container Runtime', info.containerRuntimeVersion)
      .field('System', `${info.osImage}, kernel ${info.kernelVersion}, ${info.architecture}`)
  }
  const { body } = await session.client.json<ObjectList<Pod>>({
    path: '/api/v1/pods',
    query: { fieldSelector: `spec.nodeName=${node.metadata.name}` }
  })
  writer.field('Pods', String(body.items.length))
  const rows = body.items.map((pod) => [
    pod.metadata.namespace ?? '',
    pod.metadata.name,
    pod.status?.phase ?? '',
    ageOf(pod.metadata.creationTimestamp, now)
  ])
  if (rows.length > 0) writer.text(formatColumns([['NAMESPACE', 'NAME', 'STATUS', 'AGE'], ...rows]), 1)
}
