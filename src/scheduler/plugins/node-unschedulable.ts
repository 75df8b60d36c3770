import type { FilterPlugin } from '../plugin.js'
import { rejection } from '../plugin.js'
import { tolerates } from '../../reconcile/tolerations.js'

const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

/** Cordoned nodes take no pods but those that tolerate it. */
export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  changes: ['node'],
  prepare: ({ pod }) => {
    if (pod.spec.tolerations?.some((toleration) => tolerates(toleration, cordon))) return undefined
    return ({ node }) => (node.spec.unschedulable ? rejection('node(s) were unschedulable') : undefined)
  }
}
