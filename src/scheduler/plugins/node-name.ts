import type { FilterPlugin } from '../plugin.js'
import { rejection } from '../plugin.js'

/** A pod that names its node goes there. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  changes: ['node'],
  prepare: ({ pod }) => {
    const wanted = pod.spec.nodeName
    if (!wanted) return undefined
    return (node) =>
      node.name === wanted ? undefined : rejection("node(s) didn't match the requested node name")
  }
}
