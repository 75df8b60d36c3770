import type { Pod, PodTemplateSpec } from '../../api/types.js'
import type { Describer } from './describer.js'
import { writeContainers, writeVolumes } from './containers.js'
import { mapLines, type Writer } from './writer.js'

export const describePod: Describer<Pod> = (pod, writer) => {
  const { spec, status } = pod
  writer
    .field('Node', spec?.nodeName && `${spec.nodeName}${status?.hostIP ? `/${status.hostIP}` : ''}`)
    .field('Start Time', status?.startTime)
    .field('Service Account', spec?.serviceAccountName ?? 'default')
    .field('Status', status?.phase ?? 'Pending')
  if (status?.reason) writer.field('Reason', status.reason)
  if (status?.message) writer.field('Message', status.message)
  writer.field('IP', status?.podIP).field('QoS Class', status?.qosClass)
  writeContainers(spec?.initContainers, status?.initContainerStatuses, writer, 'Init Containers')
  writeContainers(spec?.containers, status?.containerStatuses, writer)
  if (status?.conditions?.length) {
    writer.heading('Conditions')
    for (const { type, status: is, reason, message } of status.conditions) {
      const why = is === 'True' ? '' : [reason, message].filter(Boolean).join(': ')
      writer.field(type, why ? `${is}  ${why}` : is, 1)
    }
  }
  writeVolumes(spec, writer)
  writer.field('Node-Selectors', mapLines(spec?.nodeSelector))
  const tolerations = (spec?.tolerations ?? []).map((t) => {
    const value = t.value ? `=${t.value}` : ''
    const seconds = t.tolerationSeconds === undefined ? '' : ` for ${t.tolerationSeconds}s`
    return `${t.key ?? ''}${value}:${t.effect ?? ''} op=${t.operator ?? 'Equal'}${seconds}`
  })
  writer.field('Tolerations', tolerations)
}

/** The template of a deployment, replica set and the like. */
export function writeTemplate(template: PodTemplateSpec | undefined, writer: Writer): void {
  writer.field('Pod Labels', mapLines(template?.metadata?.labels))
  writeContainers(template?.spec?.initContainers, undefined, writer, 'Init Containers')
  writeContainers(template?.spec?.containers, undefined, writer)
  writeVolumes(template?.spec, writer)
}
